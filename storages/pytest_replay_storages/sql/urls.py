"""URLs of databases: what they name, which driver that takes, and how they are shown: without their secrets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from pytest_replay.errors import MissingExtraError, SettingsError, StorageError
from pytest_replay.storage import shown_url

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL, Dialect

_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}
"""The ones that the extras install, and that are taken where a URL names none."""
_EXTRAS = {"psycopg": "postgresql", "pymysql": "mysql"}
_EXAMPLE = "sqlite:///cassettes.db or postgresql://user@host/database"


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where a store is."""

    url: URL
    """With all that it takes to connect."""
    shown: str
    """For people."""
    file: Path | None = None
    """Of SQLite."""

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def hide(self, text: str) -> str:
        """Take the password out of a text that a driver has made."""
        secrets = [self.url.password, *(v for k, v in self.url.query.items() if "pass" in k.lower())]
        for secret in secrets:
            if isinstance(secret, str) and secret:
                text = text.replace(secret, "***")
        return text


def read_url(text: str, root: Path) -> Address:
    """Read the URL of a store; a SQLite file is relative to `root`.

    Raises SettingsError for what is none, and MissingExtraError or StorageError where its driver is not installed.
    """
    shown = shown_url(text)
    address = _parsed(text, shown)
    url = address.url
    if "+" not in url.drivername and url.drivername in _DRIVERS:
        url = url.set(drivername=f"{url.drivername}+{_DRIVERS[url.drivername]}")
    _check_driver(_dialect(url, shown), url, shown)
    if url.get_backend_name() != "sqlite":
        return replace(address, url=url)
    if not url.database or url.database.startswith((":memory:", "file:")):
        raise SettingsError(f"replay_storage: {shown!r} names no file, as sqlite:///cassettes.db does")
    file = root / url.database
    return Address(url.set(database=str(file)), shown, file)


def _parsed(text: str, shown: str) -> Address:
    try:
        return Address(make_url(text), shown)
    except (ArgumentError, ValueError):  # whose text has the password in it
        problem = f"replay_storage: {shown!r} is no URL of a database, such as {_EXAMPLE}"
    raise SettingsError(problem)


def _dialect(url: URL, shown: str) -> type[Dialect]:
    try:
        return url.get_dialect()
    except NoSuchModuleError as error:
        raise SettingsError(f"replay_storage: {shown!r}: SQLAlchemy knows no {url.drivername}") from error


def _check_driver(dialect: type[Dialect], url: URL, shown: str) -> None:
    if dialect.is_async:
        remedy = "leave the driver out of the URL, or name one that is not for asyncio"
        raise SettingsError(f"replay_storage: {shown!r}: {url.drivername} is for asyncio\n  {remedy}")
    try:
        dialect.import_dbapi()
    except ImportError as error:
        driver = url.get_driver_name()
        if driver in _EXTRAS and not _is_there(driver):
            purpose = f"the storage {shown}"
            raise MissingExtraError(driver, extra=_EXTRAS[driver], purpose=purpose) from error
        remedy = f"install it, or leave `+{driver}` out of the URL"
        raise StorageError(f"can't open {shown}: its driver fails to import: {error}\n  {remedy}") from error


def _is_there(module: str) -> bool:
    try:
        import_module(module)
    except ModuleNotFoundError:
        return False
    except ImportError:
        return True
    return True
