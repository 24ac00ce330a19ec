"""Reads pickles as plain data. Nothing is imported, made or called, whatever they say.

`pickletools` takes a pickle apart, and a small machine follows it: a stack, a memo, and what stays on top. Where a
pickle would make an object, there is a `Record` of its name, its arguments and its state; names that are not among
`KINDS`, and opcodes that Gracy's pickles don't need, are refused. What it takes is in proportion to the pickle's size.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = frozenset(
    {
        *(f"httpx.{name}" for name in ("Headers", "Request", "Response", "URL")),
        *(f"httpx._models.{name}" for name in ("Headers", "Request", "Response")),
        "datetime.timedelta",
        "httpx._urlparse.ParseResult",
        "httpx._urls.URL",
        "rfc3986.uri.URIReference",
    }
)
"""What httpx's responses are made of, since 0.23."""

_VALUES = frozenset(
    {
        *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
        *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    }
)
_MADE: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_LONGEST = 100
"""Characters of a name that are shown."""
_SILENT = frozenset({"PROTO", "FRAME"})


class PickleError(ValueError):
    """A pickle that isn't one, or that wants more than plain data."""


@dataclass(slots=True, eq=False, repr=False)
class Record:
    """What would have been an object."""

    kind: str
    """Its module and name."""
    args: tuple[Any, ...] | None = None
    """What it would have been made with; None for the class itself."""
    state: Any = None

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def decode(pickle: bytes) -> Any:
    """Read a pickle. Raises PickleError."""
    machine = _Machine()
    try:
        for opcode, value, _ in pickletools.genops(pickle):
            if opcode.name == "STOP":
                return machine.pop()
            machine.follow(opcode.name, value)
    except PickleError:
        raise
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        msg = f"its response is no pickle: {error}"
        raise PickleError(msg) from error
    msg = "its response is a pickle without an end"
    raise PickleError(msg)


class _Machine:
    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def pop(self) -> Any:
        return self._stack.pop()

    def follow(self, name: str, value: Any) -> None:
        """Follow one opcode."""
        if name in _VALUES:
            self._stack.append(value)
        elif name in _MADE:
            self._stack.append(_MADE[name]())
        elif name in _TUPLES:
            self._stack.append(tuple(self._take(len(self._stack) - _TUPLES[name])))
        elif name not in _SILENT:
            step = _STEPS.get(name)
            if step is None:
                msg = (
                    f"its pickle has the opcode {name}, which nothing that Gracy keeps needs: it is not read"
                )
                raise PickleError(msg)
            step(self, value)

    def mark(self, _: Any) -> None:
        self._marks.append(len(self._stack))

    def tuple_since_mark(self, _: Any) -> None:
        self._stack.append(tuple(self._since_mark()))

    def memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def put(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    def append(self, _: Any) -> None:
        self._extend([self.pop()])

    def appends(self, _: Any) -> None:
        self._extend(self._since_mark())

    def set_item(self, _: Any) -> None:
        self._update(self._take(len(self._stack) - 2))

    def set_items(self, _: Any) -> None:
        self._update(self._since_mark())

    def name(self, _: Any) -> None:
        module, name = self._take(len(self._stack) - 2)
        self._stack.append(_named(f"{module}.{name}"))

    def global_name(self, value: str) -> None:
        self._stack.append(_named(value.replace(" ", ".", 1)))

    def make(self, _: Any) -> None:
        kind, args = self._take(len(self._stack) - 2)
        if not isinstance(kind, Record) or kind.args is not None or not isinstance(args, tuple):
            msg = "its pickle calls something that is no class"
            raise PickleError(msg)
        self._stack.append(Record(kind.kind, args))

    def build(self, _: Any) -> None:
        made, state = self._take(len(self._stack) - 2)
        if not isinstance(made, Record) or made.args is None:
            msg = "its pickle gives a state to what has none"
            raise PickleError(msg)
        made.state = state
        self._stack.append(made)

    def _since_mark(self) -> list[Any]:
        return self._take(self._marks.pop())

    def _take(self, start: int) -> list[Any]:
        if not 0 <= start <= len(self._stack):
            msg = "its pickle takes more than it has"
            raise PickleError(msg)
        taken = self._stack[start:]
        del self._stack[start:]
        return taken

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self._stack[-1], list):
            msg = "its pickle appends to what is no list"
            raise PickleError(msg)
        self._stack[-1].extend(items)

    def _update(self, items: list[Any]) -> None:
        keys = items[::2]
        if (
            not isinstance(self._stack[-1], dict)
            or len(items) % 2
            or not all(type(key) is str for key in keys)
        ):
            msg = "its pickle sets what is no item of a mapping by name"
            raise PickleError(msg)
        self._stack[-1].update(zip(keys, items[1::2], strict=True))


def _named(kind: str) -> Record:
    if kind not in KINDS:
        msg = f"its pickle names {kind[:_LONGEST]!r}, which no response of httpx has in it: nothing of it is run"
        raise PickleError(msg)
    return Record(kind)


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_since_mark,
    "MEMOIZE": _Machine.memoize,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "STACK_GLOBAL": _Machine.name,
    "GLOBAL": _Machine.global_name,
    "REDUCE": _Machine.make,
    "NEWOBJ": _Machine.make,
    "BUILD": _Machine.build,
}
