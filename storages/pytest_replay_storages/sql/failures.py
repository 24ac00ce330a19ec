"""What a database says when it fails, as errors of this package: no password is in them, nor in what is behind them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pytest_replay.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay_storages.sql.urls import Address

T = TypeVar("T")

_RESTORE = "restore it from version control, or delete it and record again: pytest --record"
_REMEDIES = (
    (
        r"database is locked|lock timeout|lock wait timeout",
        "another process is writing to it: wait until it is done, or end it",
    ),
    (r"readonly|read-only|permission denied|command denied", "give yourself the right to write there"),
    (
        r"unable to open database file",
        "see that its folder can be made and written to, and that it is a file",
    ),
    (
        r"^interrupted",
        "one question took more steps than any store of this package asks for: restore it, or record again",
    ),
    (r"not a database|malformed", _RESTORE),
    (r"disk is full|no space|disk full", "make room on the disk"),
    (r"no equivalent in encoding", "create the database anew, with the encoding UTF8"),
    (r"max_allowed_packet|packet bigger|packet too large", "raise max_allowed_packet on the server"),
    (
        r"password|access denied|authentication|no pg_hba.conf entry",
        "see to the user and the password of the URL, or to what the driver reads them from",
    ),
    (
        r"database .* does not exist|unknown database",
        "create the database, or name another one in the URL",
    ),
    (
        r"server has gone away|lost connection",
        "see that the server runs, and that its max_allowed_packet has room for all of a message but its body",
    ),
    (
        r"connect|server closed|terminat|timed? ?out|timeout expired",
        "see that the server runs, and that it can be reached from here",
    ),
)
_OTHERWISE = "see to the database, then try again"


def attempt(deed: str, address: Address, work: Callable[[], T]) -> T:
    """Return what `work` returns. Raises StorageError where the database fails.

    What the drivers raise has their arguments in its frames, so none of it is chained.
    """
    try:
        return work()
    except SQLAlchemyError as error:
        told = StorageError(f"can't {deed} {address.shown}: {reason(error, address)}")
    except OSError as error:
        told = StorageError(f"can't {deed} {address.shown}: {error.strerror or error}\n  {_OTHERWISE}")
    except UnicodeDecodeError:  # sqlite3 tells what is wrong in the words of the file
        told = StorageError(f"can't {deed} {address.shown}: it is malformed, and no text\n  {_RESTORE}")
    raise told


def reason(error: SQLAlchemyError, address: Address) -> str:
    """Tell what has failed, and what to do about it on a line of its own."""
    said = address.hide(_first_line(error))
    found = (remedy for pattern, remedy in _REMEDIES if re.search(pattern, said, re.IGNORECASE))
    return f"{said}\n  {next(found, _OTHERWISE)}"


def _first_line(error: SQLAlchemyError) -> str:
    if not isinstance(error, DBAPIError) or error.orig is None:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    said = [str(part) for part in error.orig.args if isinstance(part, str)]  # PyMySQL puts a number before it
    lines = " ".join(said or [str(error.orig)]).split("\n")
    return lines[0].strip() or type(error.orig).__name__
