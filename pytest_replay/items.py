"""What a test or a fixture says of its cassette: its marks, its settings, its name.

Takes pytest's items and fixture definitions as they are, without importing pytest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import SettingsError
from pytest_replay.naming import cassette_name, folder_of, given_name, safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

MARKER = "replay"
FAULTS = "faults"
"""The argument of the marker that is no setting, for it is of one test."""
FAULT = "fault"
"""The argument of a test that gets one of them at a time."""

_INFRASTRUCTURE = ("_pytest", "pytest_asyncio", "anyio", "xdist", "pytest_replay")
"""Packages whose fixtures have no traffic of their own."""

_XUNIT = ("_unittest_", "_xunit_")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the marks of one item ask for."""

    name: str | None
    """The cassette's name, if one is given: a path made safe."""
    layers: tuple[Mapping[str, Any], ...]
    """Settings by mark, the outermost first."""
    faults: tuple[Any, ...] | None = None
    """What is injected into the test, of all marks; None where none speaks of it. One that does never records."""


def asked_by(node: Any) -> Asked | None:
    """Read the marks of a node; None where it has none. Raises SettingsError for a wrong argument."""
    marks = list(node.iter_markers(MARKER))[::-1]
    if not marks:
        return None
    names = [name for mark in marks for name in _names(mark)]
    faults = [_faults(mark.kwargs[FAULTS]) for mark in marks if FAULTS in mark.kwargs]
    if faults and not names:
        raise SettingsError(
            "@pytest.mark.replay: faults are put on the tape of a test without them. Name its cassette: "
            '@pytest.mark.replay("test_module/test_name", faults=[...])'
        )
    return Asked(
        names[-1] if names else None,
        tuple({name: value for name, value in mark.kwargs.items() if name != FAULTS} for mark in marks),
        tuple(chain.from_iterable(faults)) if faults else None,
    )


def name_of_item(item: Any, *, asked: Asked, folder: str, root: Path) -> str:
    """Name the cassette of a test: `<folder>/<module>/<Class>.<test>[<params>]` beside its file."""
    place = folder_of(item.path, root=root, folder=folder)
    if asked.name is not None:
        return cassette_name(place.parent, asked.name, root=root)
    return cassette_name(place, safe_name(qualified_name(item)), root=root)


def qualified_name(item: Any) -> str:
    """Name a test within its file: its classes and itself, with a dot between."""
    classes = [node.name for node in item.listchain() if _is_class(node)]
    return ".".join([*classes, item.name])


def name_of_fixture(fixturedef: Any, request: Any, *, folder: str, root: Path) -> str:
    """Name the cassette of a fixture of wider scope: `@module.client`, `@session.token[0]`.

    It lies where the scope is; that of a session's fixture where the fixture is defined. One that overrides another
    may use it, too, so theirs differ.
    """
    scope, node = request.scope, request.node
    label = _label(fixturedef.argname)
    if scope == "class":
        label = f"{_outermost(node).name}.{label}"
    elif "::" in fixturedef.baseid:
        label = f"{fixturedef.baseid.partition('::')[2].replace('::', '.')}.{label}"
    if hasattr(request, "param"):
        label = f"{label}[{request.param_index}]"
    if scope in {"class", "module", "package"} and _is_overridden(fixturedef, node):
        label = f"{label}@{fixturedef.baseid}"
    place = _defined_in(fixturedef, root) if scope == "session" else node.path
    return cassette_name(
        folder_of(place, root=root, folder=folder), safe_name(f"@{scope}.{label}"), root=root
    )


def may_have_traffic(fixturedef: Any) -> bool:
    """Tell whether a fixture is one of the project's, and not of the machinery."""
    module = str(getattr(fixturedef.func, "__module__", ""))
    return module.partition(".")[0] not in _INFRASTRUCTURE or fixturedef.argname.startswith(_XUNIT)


def find_collisions(items: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    """Find marked tests that would share a cassette without naming it, on some disk at least, and tell with whom."""
    seen: dict[tuple[Path, str], str] = {}
    for item in items:
        asked = asked_by(item)
        if asked is None or asked.name is not None:
            continue
        key = (item.path, safe_name(qualified_name(item)).casefold())
        other = seen.setdefault(key, item.nodeid)
        if other != item.nodeid:
            remedy = f'Tell them apart, or name it: @pytest.mark.{MARKER}("name")'
            yield item, f"would share its cassette with {other}. {remedy}"


def find_parted(items: Iterable[Any]) -> Iterator[tuple[Any, str]]:
    """Find tests that share a cassette: recorded by several processes, each would lose what the other wrote."""
    sharing: dict[tuple[Path, str], list[Any]] = {}
    for item in items:
        asked = asked_by(item)
        if asked is not None and asked.name is not None:
            sharing.setdefault((item.path.parent, asked.name), []).append(item)
    for sharers in sharing.values():
        if len(sharers) > 1:
            for item in sharers:
                yield item, "it shares its cassette with other tests. Record them in one process: without -n"


def _names(mark: Any) -> Iterable[str]:
    if len(mark.args) > 1 or not all(isinstance(arg, str) for arg in mark.args):
        msg = f"@pytest.mark.replay takes one cassette name, then settings by keyword, not {mark.args!r}"
        raise SettingsError(msg)
    return [given_name(name) for name in mark.args]


def _faults(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"@pytest.mark.replay: faults is a list, not {value!r}")
    return value


def _is_class(node: Any) -> bool:
    return isinstance(getattr(node, "obj", None), type) and not hasattr(node, "function")


def _outermost(node: Any) -> Any:
    """Find the class that a class is in: what it has set up serves the classes within."""
    return next((it for it in node.listchain() if _is_class(it)), node)


def _label(argname: str) -> str:
    """Name a fixture; those of xunit are named after what they call, without the module that pytest adds."""
    for prefix in _XUNIT:
        if argname.startswith(prefix):
            return argname.removeprefix(prefix).partition("_fixture_")[0]
    return argname


def _is_overridden(fixturedef: Any, node: Any) -> bool:
    """Tell whether a node sees another fixture of this name, nearer to it."""
    found = node.session._fixturemanager.getfixturedefs(fixturedef.argname, node)  # noqa: SLF001  # no public way
    return bool(found) and found[-1] is not fixturedef


def _defined_in(fixturedef: Any, root: Path) -> Path:
    node = getattr(fixturedef, "node", None)  # since pytest 9.1; it is right outside the root, too
    if node is not None:
        found: Path = node.path
        return found
    base = root / str(fixturedef.baseid).partition("::")[0]
    return base if base.suffix != ".py" or base.is_file() else root
