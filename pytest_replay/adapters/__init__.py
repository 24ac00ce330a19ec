"""The rims: what touches a client library, and the protocol that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Hashable

    from pytest_replay.messages import Message

GROUP = "pytest_replay.adapters"
"""The entry point group: name is the protocol, value an Adapter."""


class Adapter(Protocol):
    """Taps the client libraries of one protocol."""

    def install(self) -> None:
        """Put the taps in, for the whole run: without an active session they are pure pass-through.

        Does nothing where no library of this protocol is installed. May be called again.
        """

    def remove(self) -> None:
        """Take every tap out."""

    def is_idle(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Tell whether nobody waits for the timers of an event loop but a library by itself, for its heartbeats.

        True where the adapter's libraries set no timers.
        """

    def timeless(self, message: Message) -> Hashable:
        """Make of a message what it says apart from the time."""
