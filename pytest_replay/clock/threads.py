"""Threads: those that a member starts are members, and who joins one is parked. The end of a child process is real."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from pytest_replay.clock.members import MEMBER, Child, Lost
from pytest_replay.clock.originals import get_ident, real

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.members import Member
    from pytest_replay.clock.patches import Patches

_NOBODYS = {
    ("multiprocessing.pool", "Pool._handle_workers"),  # waits for workers to end
    ("pytest_timeout", "timeout_timer"),  # ends the run, after so long in real time
}
"""What threads do, by module and name, that are not part of a test."""


def set_members(patches: Patches, kernel: Kernel) -> None:
    """Have threads that members start be members."""
    start, run = threading.Thread.start, threading.Thread._bootstrap_inner  # type: ignore[attr-defined]

    def start_member(self: threading.Thread) -> None:
        if not kernel.counts() or _is_nobodys(self):
            start(self)
            return
        member = kernel.enlist(self.name)
        member.daemon = self.daemon
        setattr(self, MEMBER, member)
        try:
            start(self)
        except BaseException:
            kernel.leave(member)
            raise

    def run_member(self: threading.Thread) -> None:
        member = getattr(self, MEMBER, None)
        if member is None or member.left:
            run(self)
            return
        kernel.arrive(member)
        self._invoke_excepthook = _unless_lost(self._invoke_excepthook)  # type: ignore[attr-defined]
        try:
            run(self)
        finally:
            kernel.leave(member)

    patches.attribute(threading.Thread, "start", start_member)
    patches.attribute(threading.Thread, "_bootstrap_inner", run_member)


def _is_nobodys(thread: threading.Thread) -> bool:
    """Tell of a thread that a member starts whether it is none of the test's.

    Threads of trio's outlive what they were started for.
    """
    does: Any = getattr(thread, "function", None) or getattr(
        thread, "_target", None
    )  # a Timer has a function
    module, name = getattr(does, "__module__", None), getattr(does, "__qualname__", None)
    return module == "trio._core._thread_cache" or (module, name) in _NOBODYS


def _unless_lost(tell: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Have a thread that is lost end without a word."""

    def tell_others(thread: threading.Thread) -> None:
        if not isinstance(sys.exception(), Lost):
            tell(thread)

    return tell_others


def set_joins(patches: Patches, kernel: Kernel) -> None:
    """Have who joins a member be parked; the end of any other thread is something real."""
    join = threading.Thread.join

    def join_member(self: threading.Thread, timeout: float | None = None) -> None:
        if (
            not (timeout is None or timeout > 0)
            or self is threading.current_thread()
            or ends_within(self, timeout)
        ):
            with kernel.at_something_real():
                join(self, timeout)

    def ends_within(thread: threading.Thread, timeout: float | None) -> bool:
        member: Member | None = getattr(thread, MEMBER, None)
        if member is None or member.left:
            return True

        def really(left: float | None) -> bool:
            join(thread, left)
            return not thread.is_alive()

        return kernel.wait(timeout, ready=lambda: member.left, really=really, keys=(id(member),))

    patches.attribute(threading.Thread, "join", join_member)


def set_children(patches: Patches, kernel: Kernel) -> None:
    """Have the end of a child process be something real, also for who asks for it, and sleeps before he asks again."""
    wait, poll = subprocess.Popen._wait, subprocess.Popen.poll  # type: ignore[attr-defined]
    children: WeakKeyDictionary[Any, Child] = WeakKeyDictionary()

    def wait_really(self: Any, timeout: float | None) -> int:
        with kernel.at_something_real():
            code: int = wait(self, timeout)
        return code

    def poll_child(self: Any) -> int | None:
        code: int | None = poll(self)
        member = kernel.members.get(get_ident())
        if code is None and member is not None:
            child = children.get(self)
            if child is None:
                asked = ref(self)
                child = Child(
                    f"child process {self.pid}", real().perf_counter_ns(), lambda: has_ended(asked())
                )
                children[self] = child
            member.child = child
        return code

    def has_ended(child: Any) -> bool:
        return child is None or poll(child) is not None

    patches.attribute(subprocess.Popen, "_wait", wait_really)
    patches.attribute(subprocess.Popen, "poll", poll_child)
