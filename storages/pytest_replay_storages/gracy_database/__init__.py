"""Gracy's own replay databases: read, and never unpickled. Knows no Gracy."""

from pytest_replay_storages.gracy_database.files import open_gracy

__all__ = ["open_gracy"]
