"""The SQL storage: one SQLite file for a whole suite, or a team's store in PostgreSQL or MariaDB."""

from pytest_replay_storages.sql.storage import SqlStorage, open_sql

__all__ = ["SqlStorage", "open_sql"]
