"""Members: the threads that live by a clock, and what they wait for. Plain data; the kernel owns them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


MEMBER = "_pytest_replay_member"
"""Attribute of a thread: what it is to the clock that it was started on."""


class Lost(SystemExit):
    """Ends a thread in which somebody waits on a clock that has stalled, and has ended: nobody will ever call it."""


class State(Enum):
    """What has become of a wait."""

    PARKED = auto()
    CALLED = auto()
    """Somebody did what it may have waited for."""
    EXPIRED = auto()
    FAILED = auto()
    LEFT = auto()
    """It was given up by its own thread, or the clock was closed."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child process that had not ended when a member asked."""

    name: str
    since: int
    """Real nanoseconds: when that was first asked."""
    has_ended: Callable[[], bool]


@dataclass(slots=True, eq=False)
class Member:
    """A thread that lives by the clock, or work that is on its way to a thread."""

    name: str
    since: int
    """Real nanoseconds: since when it is not known to have done anything."""
    ident: int | None = None
    """Its thread, once that runs."""
    wait: Wait | None = None
    """What it is parked in."""
    real: int = 0
    """How many times over it has said that it is at something real."""
    computed: int = 0
    """The nanoseconds that it had computed when it was last known to do anything."""
    child: Child | None = None
    """What it has asked since it last waited."""
    stirs: int = 0
    """How often anybody had done anything when it began to ask in vain."""
    polls: int = 0
    """How often in a row it has asked in vain for what may come."""
    polled: int = 0
    """The nanoseconds that it had computed when the last row was full."""
    polling: int = -1
    """The nanoseconds that it may have computed by when the next row is full, if it does nothing else."""
    again: int | None = None
    """What `since` was of something real that it has left for a moment, and may come back to."""
    left: bool = False
    """Whether it is a member no more."""
    daemon: bool = False
    """Whether the interpreter doesn't wait for it at its end."""


@dataclass(slots=True, eq=False)
class Wait:
    """One wait of one member, until it is called, or its deadline passes."""

    member: Member
    deadline: int | None
    """Nanoseconds on the clock."""
    order: int
    """Of equal deadlines the one that was parked first comes first."""
    keys: tuple[int, ...] = ()
    """What it may be called by: ids of locks, queues, selectors, members."""
    loop: Any = None
    """The event loop that waits, if one does."""
    guest: bool = False
    """Whether that is the guest of another loop, whose tasks are the test's, and not its thread."""
    state: State = State.CALLED
    gate: Any = None
    """The lock that its thread waits at."""
    failure: BaseException | None = None
    ready: Callable[[], bool] | None = None
    weak: bool = False
    """Whether its deadline only comes on the way to another one: nobody waits for that (heartbeats)."""
    idle: bool = False
    """Whether it waits for work, and whoever has that to give ends it."""
    polling: bool = False
    """Whether its thread asks again and again by itself, and is parked until anybody else has done anything."""
    came: bool = False
    """Whether `ready` has said so already. It is not asked again: what takes a lock or an item to tell, has it."""
    child: Child | None = None
    """The child process whose end its thread looks for when it is woken."""
    watched: Member | None = None
    """What counts as running as long as that has not ended."""
    filed: bool = False
    """Whether its deadline is on the heap."""

    @property
    def strong(self) -> bool:
        """Whether it waits for time to pass."""
        return self.deadline is not None and not self.weak
