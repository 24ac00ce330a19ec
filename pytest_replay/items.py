"""What a test or a fixture says of its cassette: its marks, its settings, its name.

Takes pytest's items and fixture definitions as they are, without importing pytest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import SettingsError
from pytest_replay.naming import cassette_name, folder_of, given_name, safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MARKER = "replay"

_INFRASTRUCTURE = ("_pytest", "pytest_asyncio", "anyio", "xdist", "pytest_replay")
"""Packages whose fixtures have no traffic of their own."""

_XUNIT = ("_unittest_", "_xunit_")


@dataclass(frozen=True, slots=True)
class Request:
    """What the marks of one item ask for."""

    name: str | None
    """The cassette's name, if one is given."""
    layers: tuple[Mapping[str, Any], ...]
    """Settings by mark, the outermost first."""


def asked_by(node: Any) -> Request | None:
    """Read the marks of a node; None where it has none. Raises SettingsError for a wrong argument."""
    marks = list(node.iter_markers(MARKER))[::-1]
    if not marks:
        return None
    names = [name for mark in marks for name in _names(mark, node)]
    return Request(names[-1] if names else None, tuple(mark.kwargs for mark in marks))


def name_of_item(item: Any, *, asked: Request, folder: str, root: Path) -> str:
    """Name the cassette of a test: `<folder>/<module>/<Class>.<test>[<params>]` beside its file."""
    place = folder_of(item.path, root=root, folder=folder)
    if asked.name is not None:
        return cassette_name(place.parent, given_name(asked.name), root=root)
    return cassette_name(place, safe_name(qualified_name(item)), root=root)


def qualified_name(item: Any) -> str:
    """Name a test within its file: its classes and itself, with a dot between."""
    classes = [node.name for node in item.listchain() if _is_class(node)]
    return ".".join([*classes, item.name])


def name_of_fixture(fixturedef: Any, request: Any, *, folder: str, root: Path) -> str:
    """Name the cassette of a fixture of wider scope: `@module.client`, `@session.token[0]`."""
    scope = request.scope
    label = fixturedef.argname
    for prefix in _XUNIT:
        label = label.removeprefix(prefix)
    if scope == "class" and request.node.name:
        label = f"{request.node.name}.{label}"
    if fixturedef.params is not None:
        label = f"{label}[{request.param_index}]"
    place = request.node.path if scope in {"class", "module"} else _defined_in(fixturedef, root)
    if scope == "package":
        place = request.node.path
    return cassette_name(
        folder_of(place, root=root, folder=folder), safe_name(f"@{scope}.{label}"), root=root
    )


def may_have_traffic(fixturedef: Any) -> bool:
    """Tell whether a fixture is one of the project's, and not of the machinery."""
    module = str(getattr(fixturedef.func, "__module__", ""))
    return module.partition(".")[0] not in _INFRASTRUCTURE or fixturedef.argname.startswith(_XUNIT)


def find_collisions(items: Iterable[Any]) -> list[tuple[str, str]]:
    """List pairs of marked tests that would share a cassette without naming it, on some disk at least."""
    seen: dict[tuple[Path, str], str] = {}
    found = []
    for item in items:
        asked = asked_by(item)
        if asked is None or asked.name is not None:
            continue
        key = (item.path, safe_name(qualified_name(item)).casefold())
        other = seen.setdefault(key, item.nodeid)
        if other != item.nodeid:
            found.append((other, item.nodeid))
    return found


def _names(mark: Any, node: Any) -> Iterable[str]:
    if len(mark.args) > 1 or not all(isinstance(arg, str) for arg in mark.args):
        msg = f"{node.nodeid}: @pytest.mark.replay takes one cassette name, then settings by keyword, not {mark.args!r}"
        raise SettingsError(msg)
    names: tuple[str, ...] = mark.args
    return names


def _is_class(node: Any) -> bool:
    return isinstance(getattr(node, "obj", None), type) and not hasattr(node, "function")


def _defined_in(fixturedef: Any, root: Path) -> Path:
    base = root / str(fixturedef.baseid).partition("::")[0]
    return base if base.suffix != ".py" or base.is_file() else root
