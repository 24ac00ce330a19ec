"""Threads: those that a member starts are members, from their start to their end, and who joins one is parked."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from pytest_replay.clock.members import MEMBER, Lost
from pytest_replay.clock.pools import is_trio_worker, looks_after_a_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.members import Member
    from pytest_replay.clock.patches import Patches


def set_members(patches: Patches, kernel: Kernel) -> None:
    """Have threads that members start be members."""
    start, run = threading.Thread.start, threading.Thread._bootstrap_inner  # type: ignore[attr-defined]

    def start_member(self: threading.Thread) -> None:
        if not kernel.counts() or is_trio_worker(self) or looks_after_a_pool(self):
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


def _unless_lost(tell: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Have a thread that is lost end without a word."""

    def tell_others(thread: threading.Thread) -> None:
        if not isinstance(sys.exception(), Lost):
            tell(thread)

    return tell_others


def set_joins(patches: Patches, kernel: Kernel) -> None:
    """Have who joins a member be parked; the end of any other thread, or of a process, is something real."""
    join, wait = threading.Thread.join, subprocess.Popen._wait  # type: ignore[attr-defined]

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

    def wait_really(self: Any, timeout: float | None) -> int:
        with kernel.at_something_real():
            code: int = wait(self, timeout)
        return code

    patches.attribute(threading.Thread, "join", join_member)
    patches.attribute(subprocess.Popen, "_wait", wait_really)
