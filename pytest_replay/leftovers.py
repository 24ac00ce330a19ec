"""What a test leaves behind: atexit callbacks, run inside its cassette, and threads, known by their session."""

from __future__ import annotations

import atexit
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_replay.active import OWNER, innermost

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.session import Session

_POOLS = (
    "concurrent.futures.thread",
    "multiprocessing.pool",
    "anyio._backends._asyncio",
    "trio._core._thread_cache",
)
"""Modules whose threads serve whoever comes next: they belong to no test."""


_MACHINERY = sys.stdlib_module_names | {"_pytest", "pytest"}
"""What these register is to last as long as the process."""


@dataclass(slots=True)
class Leftovers:
    """The taps on `Thread.start` and `atexit`, put in for a run; without a session they pass through."""

    _callbacks: list[tuple[Session, Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = field(
        default_factory=list
    )
    _start: Any = None
    _register: Any = None
    _unregister: Any = None

    def install(self) -> None:
        """Put the taps in. May be called again."""
        if self._start is not None:
            return
        self._start, self._register, self._unregister = (
            threading.Thread.start,
            atexit.register,
            atexit.unregister,
        )
        threading.Thread.start = _owned(self._start)  # type: ignore[method-assign, assignment]
        atexit.register = self._keep
        atexit.unregister = self._drop

    def remove(self) -> None:
        """Take the taps out."""
        if self._start is None:
            return
        threading.Thread.start = self._start  # type: ignore[method-assign]
        atexit.register = self._register
        atexit.unregister = self._unregister
        self._start = None

    def count(self, session: Session) -> int:
        """Count what is registered to run at exit, of what was registered during a session."""
        return sum(owner is session for owner, *_ in self._callbacks)

    def drain(self, session: Session, *, but: int = 0) -> None:
        """Run what was registered to run at exit during a session, last first, as the interpreter would.

        The first `but` ones stay. One that raises keeps none of the others from running.
        """
        mine = [index for index, (owner, *_) in enumerate(self._callbacks) if owner is session]
        if len(mine) <= but:
            return
        _, function, args, kwargs = self._callbacks.pop(mine[-1])
        try:
            function(*args, **kwargs)
        finally:
            self.drain(session, but=but)

    def _keep(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        session = innermost()
        if session is None or not _is_of_the_test(sys._getframe(1)):  # noqa: SLF001  # the caller decides
            return self._register(function, *args, **kwargs)  # type: ignore[no-any-return]
        self._callbacks.append((session, function, args, kwargs))
        return function

    def _drop(self, function: Callable[..., Any], /) -> None:
        self._callbacks[:] = [entry for entry in self._callbacks if entry[1] != function]
        self._unregister(function)


def _owned(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start_owned(self: threading.Thread) -> None:
        owner = getattr(threading.current_thread(), OWNER, None) or innermost()
        if owner is not None and type(self).__module__ not in _POOLS and not _serves_a_pool(self):
            setattr(self, OWNER, owner)
        start(self)

    return start_owned


def _serves_a_pool(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", None) in _POOLS


def _is_of_the_test(frame: Any) -> bool:
    """Tell whether a function registers something for later; not a module while it is imported, nor the machinery."""
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return frame.f_code.co_name != "<module>" and package not in _MACHINERY
