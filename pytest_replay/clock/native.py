"""Native: functions and methods that C implements, answered by Python for a while.

Whoever has said `from time import sleep` holds the function itself, in a module, a default argument or a closure.
So the function is led elsewhere, not its name: a builtin of CPython is a pointer to a C function and what that is
called with, and one that calls a Python function instead has the C API's own `PyObject_Call...` there.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import cache
from types import BuiltinFunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pytest_replay.errors import ClockSeamError

if TYPE_CHECKING:
    from collections.abc import Callable

_POINTER = ctypes.sizeof(ctypes.c_void_p)
_Pair = ctypes.c_char * (2 * _POINTER)
_CALLS = {
    0x0001: "PyObject_CallObject",  # METH_VARARGS
    0x0003: "PyObject_Call",  # METH_VARARGS | METH_KEYWORDS
    0x0004: "PyObject_CallNoArgs",  # METH_NOARGS
    0x0008: "PyObject_CallOneArg",  # METH_O
}
"""By the flags of a C function: what of the C API takes the same arguments, and calls the first of them."""


class _MethodDef(ctypes.Structure):
    """CPython's `PyMethodDef`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Hand(ModuleType):
    """What a builtin that was led elsewhere is bound to; a module as before, so it pickles and prints as it did."""

    def __init__(self, builtin: Any) -> None:
        super().__init__(builtin.__self__.__name__)
        was = _MethodDef.from_address(_read(builtin)[0])
        self.definition = _MethodDef(was.name, _caller(was.flags), was.flags, was.doc)
        """What the builtin reads as long as it is led here."""
        self.pair = b"".join(
            address.to_bytes(_POINTER, sys.byteorder)
            for address in (ctypes.addressof(self.definition), id(self))
        )
        self.function: Callable[..., Any] = builtin
        self.clock: Any = None
        """Whose hand it is."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        return self.function(*args, **kwargs)


def is_led(builtin: Any) -> bool:
    """Tell whether a builtin is led elsewhere now."""
    return isinstance(getattr(builtin, "__self__", None), Hand)


def check_builtin(builtin: Any, *, seam: str) -> None:
    """Raise ClockSeamError for what is no function of a module, as CPython lays one out."""
    if type(builtin) is not BuiltinFunctionType:
        raise ClockSeamError(seam, found=f"{type(builtin).__qualname__}, not a function in C")
    definition, owner = _read(builtin)
    named = _MethodDef.from_address(definition)
    if owner != id(builtin.__self__) or named.name != builtin.__name__.encode() or named.flags not in _CALLS:
        raise ClockSeamError(seam, found="a function in C of another layout")


def copy_of(builtin: Any) -> Any:
    """Make another function of what a builtin does, which stays as it is when the builtin is led elsewhere."""
    make = ctypes.pythonapi.PyCMethod_New
    make.restype = ctypes.py_object
    make.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.py_object, ctypes.c_void_p)
    return make(_read(builtin)[0], builtin.__self__, builtin.__self__.__name__, None)


def lead(builtin: Any, function: Callable[..., Any]) -> Callable[[], None]:
    """Have a builtin that `check_builtin` knows call a Python function; what comes back undoes it."""
    place = _place(builtin)
    before = place.raw
    idle = _hands(builtin)
    hand = idle.pop() if idle else Hand(builtin)
    hand.function = function
    # A builtin lets go of what it is bound to when it is freed, led here or not.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(hand))
    # Both pointers at once: a thread that calls meanwhile finds either the old pair or the new one.
    place.raw = hand.pair

    def undo() -> None:
        place.raw = before
        hand.function, hand.clock = builtin, None
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(hand))
        idle.append(hand)

    return undo


@cache
def _hands(builtin: Any) -> list[Hand]:  # noqa: ARG001  # it is the key
    """Find the hands of a builtin that are idle: each is made once, not for each clock."""
    return []


def set_methods(kind: type, functions: dict[str, Callable[..., Any]]) -> Callable[[], None]:
    """Give a type that C implements other methods; what comes back undoes it."""
    methods = dict_of(kind)
    before = {name: methods[name] for name in functions}

    def put(those: dict[str, Any]) -> None:
        methods.update(those)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))

    put(functions)
    return lambda: put(before)


@cache
def dict_of(kind: type) -> dict[str, Any]:
    """Find the dict behind the `__dict__` of a type, which shows it only."""
    (found,) = (held for held in gc.get_referents(kind.__dict__) if isinstance(held, dict))
    return found


@cache
def _caller(flags: int) -> int | None:
    """Find where the C API calls what is given to it, as a C function of some flags is called."""
    return ctypes.cast(getattr(ctypes.pythonapi, _CALLS[flags]), ctypes.c_void_p).value


def _place(builtin: Any) -> Any:
    """Find the first two pointers of a `PyCFunctionObject`: `m_ml`, its definition, and `m_self`."""
    return _Pair.from_address(id(builtin) + object.__basicsize__)


def _read(builtin: Any) -> tuple[int, int]:
    raw: bytes = _place(builtin).raw
    return int.from_bytes(raw[:_POINTER], sys.byteorder), int.from_bytes(raw[_POINTER:], sys.byteorder)
