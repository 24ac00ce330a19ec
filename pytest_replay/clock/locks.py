"""Locks: who waits for one is parked. Conditions, events, semaphores, barriers, queues and futures are made of them."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TYPE_CHECKING, Any

from pytest_replay.clock.originals import (
    CONDITION_IS_OWNED,
    CONDITION_WAIT,
    LOCK,
    QUEUE_GET,
    RLOCK,
    SIMPLE_QUEUE,
    WORKER,
    get_ident,
    lock_acquire,
    lock_release,
    queue_get,
    queue_put,
    rlock_acquire,
    rlock_release,
    rlock_release_save,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.patches import Patches

_BRIEF = 0.002
"""Real seconds that a lock may be held by a thread that is no member, before who waits for it counts as parked."""


def set_locks(patches: Patches, kernel: Kernel) -> None:
    """Have waits for locks of all kinds, and for `SimpleQueue`, be waits on the clock."""
    for kind, take, give in ((LOCK, lock_acquire, lock_release), (RLOCK, rlock_acquire, rlock_release)):
        acquire, release = _acquire(kernel, take), _release(kernel, give)
        methods: dict[str, Callable[..., Any]] = {
            **dict.fromkeys(("acquire", "acquire_lock", "__enter__"), acquire),
            **dict.fromkeys(("release", "release_lock"), release),
            "__exit__": _exit(kernel, release),
        }
        if kind is RLOCK:
            methods["_release_save"] = _release_save(kernel)
            methods["_acquire_restore"] = _acquire_restore(acquire)
        patches.methods(kind, {name: method for name, method in methods.items() if name in vars(kind)})
    put = _put(kernel)
    queue_methods = {"get": _get(kernel), "get_nowait": _get_nowait, "put": put, "put_nowait": put}
    patches.methods(SIMPLE_QUEUE, queue_methods)


def _acquire(kernel: Kernel, take: Callable[..., bool]) -> Callable[..., bool]:
    members = kernel.members

    def acquire(self: Any, blocking: Any = True, timeout: float = -1) -> bool:  # noqa: FBT002  # as in C
        __tracebackhide__ = True
        if not blocking or (timeout != -1 and not 0 < timeout <= threading.TIMEOUT_MAX):
            taken = take(self, blocking, timeout)  # at once, or an error
            if not taken and sys._getframe(1).f_code is not CONDITION_IS_OWNED:
                kernel.polling.wait()
            return taken
        if take(self, False):  # noqa: FBT003
            return True
        if get_ident() not in members:
            return take(self, True, timeout)  # noqa: FBT003
        limit = None if timeout == -1 else timeout
        condition = _waited()
        if condition is not None:
            # One that is older than the clock has just let its lock go by a method that it has kept.
            kernel.call(id(condition._lock))
        elif take(self, True, min(_BRIEF, limit or _BRIEF)):  # noqa: FBT003
            return True
        return kernel.wait(
            limit,
            ready=lambda: take(self, False),  # noqa: FBT003
            really=lambda left: take(self, True, -1 if left is None else left),  # noqa: FBT003
            keys=(id(self),),
        )

    return acquire


def _waited() -> Any:
    """Find the condition in which who acquires a lock waits for another thread, and not for the lock itself."""
    frame = sys._getframe(2)
    return frame.f_locals["self"] if frame.f_code is CONDITION_WAIT else None


def _release(kernel: Kernel, give: Callable[..., None]) -> Callable[..., None]:
    waiting, call = kernel.waiting, kernel.call

    def release(self: Any) -> None:
        give(self)
        if waiting:
            call(id(self))

    return release


def _exit(kernel: Kernel, release: Callable[[Any], None]) -> Callable[..., None]:
    empty, polling = queue.Empty, kernel.polling

    def leave(self: Any, *exc_info: object) -> None:
        release(self)
        if exc_info and exc_info[0] is empty:  # a `Queue.get` in vain
            polling.wait()
            return
        condition = sys._getframe(1)
        if condition.f_back is not None and condition.f_back.f_code is QUEUE_GET:
            polling.found()

    return leave


def _release_save(kernel: Kernel) -> Callable[..., Any]:
    def release_save(self: Any) -> Any:
        state = rlock_release_save(self)
        kernel.call(id(self))
        return state

    return release_save


def _acquire_restore(acquire: Callable[..., bool]) -> Callable[..., None]:
    def acquire_restore(self: Any, state: Any) -> None:
        acquire(self)
        # Nobody else gets between: who holds it may take it as often as it was held.
        for _ in range(state[0] - 1):
            rlock_acquire(self)

    return acquire_restore


def _get(kernel: Kernel) -> Callable[..., Any]:
    members = kernel.members

    def get(self: Any, block: Any = True, timeout: float | None = None) -> Any:  # noqa: FBT002  # as in C
        __tracebackhide__ = True
        now = timeout is not None and not 0 < timeout <= threading.TIMEOUT_MAX  # or an error
        if not block or get_ident() not in members or now:
            try:
                item = queue_get(self, block, timeout)
            except queue.Empty:
                kernel.polling.wait()
                raise
            kernel.polling.found()
            return item
        found: list[Any] = []

        def take(block: Any, left: float | None) -> bool:
            try:
                found.append(queue_get(self, block, left))
            except queue.Empty:
                return False
            return True

        kernel.wait(
            timeout,
            ready=lambda: take(False, None),  # noqa: FBT003
            really=lambda left: take(True, left),  # noqa: FBT003
            keys=(id(self),),
            idle=sys._getframe(1).f_code is WORKER,
        )
        if not found:
            raise queue.Empty
        return found[0]

    return get


def _get_nowait(self: Any) -> Any:
    return self.get(False)


def _put(kernel: Kernel) -> Callable[..., None]:
    def put(self: Any, item: Any, block: Any = True, timeout: float | None = None) -> None:  # noqa: FBT002
        queue_put(self, item, block, timeout)
        kernel.call(id(self))

    return put
