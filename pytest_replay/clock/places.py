"""Places: where threads and tasks are, in words: the first line that is neither the machinery's nor ours."""

from __future__ import annotations

import asyncio
import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from types import FrameType

    from pytest_replay.clock.members import Member

_CLOCK = __name__.rpartition(".")[0]
_MACHINERY = sys.stdlib_module_names | {"anyio", "outcome", "sniffio", "trio"}
"""Packages whose code waits on behalf of somebody."""
_RUNNER = ("pytest", "xdist", "execnet")
"""How the packages begin that run tests, and whose threads are nobody's."""
_TURNS = {"_run": "asyncio.events", "unrolled_run": "trio._core._run"}
"""Functions in which an event loop gives a task its turn: what is further out is not the task's."""


def is_machinery(frame: FrameType) -> bool:
    """Tell whether a frame is of the standard library, of an event loop, or of the clock."""
    return _is_machinery(_module_of(frame))


@cache
def _is_machinery(module: str) -> bool:
    return module.partition(".")[0] in _MACHINERY or _is_ours(module)


def _is_ours(module: str) -> bool:
    return module == _CLOCK or module.startswith(f"{_CLOCK}.")


def caller_of(frame: FrameType) -> FrameType:
    """Find who waits in a frame: the first one further out that is no machinery, else the function that waits."""
    first = None
    at: FrameType | None = frame
    while at is not None and (at.f_code.co_name not in _TURNS or _module_of(at) not in _TURNS.values()):
        if not is_machinery(at):
            return at
        if first is None and not _is_ours(_module_of(at)):
            first = at
        at = at.f_back
    return first or frame


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def place_of_member(member: Member) -> str:
    """Tell the name of a member, and where it is."""
    frame = None if member.ident is None else sys._current_frames().get(member.ident)
    return member.name if frame is None else f"{member.name}: {_place(reversed(list(_outwards(frame))))}"


def places_of_strangers(members: Container[int]) -> Iterator[str]:
    """Tell where the threads are that are none of the members, and neither idle nor the test runner's."""
    strangers = [thread for thread in threading.enumerate() if thread.ident not in members]
    frames = sys._current_frames() if strangers else {}
    for thread in strangers:
        frame = frames.get(thread.ident or 0)
        outwards = [] if frame is None else list(_outwards(frame))
        if any(map(_is_of_the_runner, outwards)) or all(map(is_machinery, outwards)):
            continue
        yield f"{thread.name}: {_place(reversed(outwards))}"


def _is_of_the_runner(frame: FrameType) -> bool:
    module = _module_of(frame)
    return module.lstrip("_").startswith(_RUNNER) and not _is_ours(module)


def places_of_tasks(loop: Any) -> Iterator[str]:
    """Tell where the tasks of an event loop are, asyncio's or trio's."""
    tasks = sorted(_tasks(loop), key=lambda named: named[0])
    for name, coroutine in tasks:
        frames = list(inwards(coroutine))
        if frames:
            yield f"task {name}: {_place(frames)}"


def _tasks(loop: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(loop, asyncio.AbstractEventLoop):
        yield from ((task.get_name(), task.get_coro()) for task in asyncio.all_tasks(loop))
    else:  # a runner of trio's
        tasks = (task for task in loop.tasks if task.parent_nursery is not None)
        system = loop.system_nursery
        yield from (
            (task.name, task.coro)
            for task in tasks
            if task is loop.main_task or task.parent_nursery is not system
        )


def without_us(made: Any, file: str) -> Any:
    """Have a task or a timer not name a file of ours as its maker, which asyncio's debug mode keeps."""
    stack = getattr(made, "_source_traceback", None)
    if stack and stack[-1].filename == file:
        stack.pop()
    return made


def _outwards(frame: FrameType) -> Iterator[FrameType]:
    at: FrameType | None = frame
    while at is not None:
        yield at
        at = at.f_back


def inwards(coroutine: Any) -> Iterator[FrameType]:
    """Name the frames of a coroutine, from itself to what it awaits in the end."""
    waited = coroutine
    while waited is not None:
        frame = getattr(waited, "cr_frame", None) or getattr(waited, "gi_frame", None)
        if frame is None:
            return
        yield frame
        waited = getattr(waited, "cr_await", None) or getattr(waited, "gi_yieldfrom", None)


def _place(frames: Iterable[FrameType]) -> str:
    """Name the innermost frame that is no machinery, and the machinery that it waits in. Outermost frames first."""
    seen = list(frames)
    theirs = [at for at, frame in enumerate(seen) if not _is_ours(_module_of(frame))]
    own = [at for at in theirs if not is_machinery(seen[at])]
    at = (own or theirs or [0])[-1]
    frame = seen[at]
    said = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} in {frame.f_code.co_qualname}"
    inner = next((seen[each] for each in theirs if each > at), None)
    return said if inner is None else f"{said}, in {inner.f_code.co_qualname}"
