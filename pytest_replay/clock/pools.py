"""Pools: work that a member gives to threads which are older than the clock. They are members as long as they do it.

Work counts as running from the moment it is handed over, for somebody will take it up; where all workers of a pool
have something to do, from the moment one of them is free.
"""

from __future__ import annotations

import concurrent.futures.thread as executors
import sys
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pytest_replay.clock.members import MEMBER
from pytest_replay.clock.originals import get_ident

if TYPE_CHECKING:
    from pytest_replay.clock.kernel import Kernel
    from pytest_replay.clock.members import Member
    from pytest_replay.clock.patches import Patches

_WORK: Any = executors._WorkItem
_TICKET = "_pytest_replay_ticket"
"""Attribute of work for a ThreadPoolExecutor, or of the thread of anyio's that does it: its ticket."""


def set_pools(patches: Patches, kernel: Kernel) -> None:
    """Have threads of a ThreadPoolExecutor that are older than the clock be members while they work for one."""
    pools: WeakKeyDictionary[Any, _Pool] = WeakKeyDictionary()
    given: dict[int, _Ticket] = {}
    submit, create, run = executors.ThreadPoolExecutor.submit, _WORK.__init__, _WORK.run

    def submit_work(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        ident = get_ident()
        young = all(getattr(thread, MEMBER, None) in kernel.roster for thread in self._threads)
        if young or not kernel.counts():
            return submit(self, *args, **kwargs)
        pool = pools.setdefault(self, _Pool(kernel, self._max_workers))
        given[ident] = pool.ticket()
        try:
            return submit(self, *args, **kwargs)
        finally:
            ticket = given.pop(ident, None)
            if ticket is not None:  # nothing was made of it
                ticket.drop()

    def create_work(self: Any, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        ticket = given.pop(get_ident(), None)
        if ticket is not None:
            setattr(self, _TICKET, ticket)
            weakref.finalize(self, ticket.drop).atexit = False

    def run_work(self: Any, *args: Any) -> None:
        ticket = getattr(self, _TICKET, None)
        if ticket is None:
            run(self, *args)
            return
        ticket.begin()
        try:
            run(self, *args)
        finally:
            ticket.drop()

    patches.attribute(executors.ThreadPoolExecutor, "submit", submit_work)
    patches.attribute(_WORK, "__init__", create_work)
    patches.attribute(_WORK, "run", run_work)


def set_trio_pool(patches: Patches, kernel: Kernel) -> None:
    """Have the threads that trio keeps for later be members while they work for one."""
    cache: Any = sys.modules["trio._core._thread_cache"].ThreadCache
    start = cache.start_thread_soon

    def start_work(self: Any, fn: Any, deliver: Any, name: str | None = None) -> None:
        if not kernel.counts():
            start(self, fn, deliver, name)
            return
        ticket = _Pool(kernel, 1).ticket()

        def do() -> Any:
            ticket.begin()
            return fn()

        def done(result: Any) -> None:
            try:
                deliver(result)
            finally:
                ticket.drop()

        start(self, do, done, name)

    patches.attribute(cache, "start_thread_soon", start_work)


def set_anyio_pool(patches: Patches, kernel: Kernel) -> None:
    """Have the threads that anyio keeps for an event loop of asyncio's be members while they work for one."""
    module = sys.modules["anyio._backends._asyncio"]
    backend: Any = vars(module)["AsyncIOBackend"]
    worker: Any = vars(module)["WorkerThread"]
    run, report = backend.run_sync_in_worker_thread, worker._report_result

    async def run_work(
        cls: Any,
        func: Any,
        args: Any,
        abandon_on_cancel: bool = False,  # noqa: FBT001, FBT002  # as in anyio
        limiter: Any = None,
    ) -> Any:
        if not kernel.counts():
            return await run(func, args, abandon_on_cancel, limiter)
        turn = _Turn(kernel, limiter or cls.current_default_thread_limiter())

        def do(*args: Any) -> Any:
            turn.begin()
            return func(*args)

        return await run(do, args, abandon_on_cancel, turn)

    def report_work(self: Any, *args: Any) -> None:
        ticket = vars(self).pop(_TICKET, None)
        report(self, *args)
        if ticket is not None:
            ticket.drop()

    patches.attribute(backend, "run_sync_in_worker_thread", classmethod(run_work))
    patches.attribute(worker, "_report_result", report_work)


class _Turn:
    """A limiter of anyio's for one piece of work, which counts as running once it may go on."""

    def __init__(self, kernel: Kernel, limiter: Any) -> None:
        self._kernel = kernel
        self._limiter = limiter
        self._ticket: _Ticket | None = None

    async def __aenter__(self) -> None:
        await self._limiter.__aenter__()
        self._ticket = _Pool(self._kernel, 1).ticket()

    async def __aexit__(self, *exc_info: object) -> Any:
        if self._ticket is not None and not self._ticket.begun:
            self._ticket.drop()
        return await self._limiter.__aexit__(*exc_info)

    def begin(self) -> None:
        """Be taken up by the calling thread, which is a member by itself if it is young."""
        if self._ticket is None:
            return
        if self._kernel.counts():
            self._ticket.drop()
        else:
            setattr(threading.current_thread(), _TICKET, self._ticket)
            self._ticket.begin()


class _Pool:
    """Who of a pool's workers is free."""

    def __init__(self, kernel: Kernel, size: int) -> None:
        self.kernel = kernel
        self.free = size
        self.queue: deque[_Ticket] = deque()

    def ticket(self) -> _Ticket:
        """Note that work is handed over."""
        ticket = _Ticket(self)
        with self.kernel.guard:
            if self.free:
                ticket.enlist()
            else:
                self.queue.append(ticket)
        return ticket


class _Ticket:
    """One piece of work on its way."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self._member: Member | None = None
        self.begun = False

    def enlist(self) -> None:
        """Count as running: a worker is free."""
        self._pool.free -= 1
        self._member = self._pool.kernel.enlist("work for a thread")

    def begin(self) -> None:
        """Be taken up by the calling thread: it is a member now, if it wasn't."""
        kernel = self._pool.kernel
        with kernel.guard:
            if self in self._pool.queue:
                self._pool.queue.remove(self)
                self.enlist()
            member, self.begun = self._member, True
            if member is None or member.left:
                return
            if kernel.counts():
                kernel.leave(member)
            else:
                thread = threading.current_thread()
                member.name, member.daemon = thread.name, thread.daemon
                kernel.arrive(member)

    def drop(self) -> None:
        """Be done, or given up; the next one may be taken up. May be called again."""
        pool = self._pool
        with pool.kernel.guard:
            if self in pool.queue:
                pool.queue.remove(self)
            member, self._member = self._member, None
            if member is None:
                return
            pool.free += 1
            if pool.queue:
                pool.queue.popleft().enlist()
            pool.kernel.leave(member)
