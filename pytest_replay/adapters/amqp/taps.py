"""Taps: put into aiormq's transport factories once per run; without an active session they only pass through."""

from __future__ import annotations

import functools
import importlib
import threading
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pytest_replay.active import active
from pytest_replay.adapters.amqp.lines import Lines
from pytest_replay.adapters.amqp.turns import timers_of_the_test

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Hashable

    from pytest_replay.messages import Message

_FACTORIES = ("TCPTransportFactory", "TLSTransportFactory")
_LIBRARIES = ("aio-pika", "aiormq")


class AmqpAdapter:
    """The taps of one run."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, Any]] = []
        self._lock = threading.Lock()

    def install(self) -> None:
        """Tap the TCP and TLS transports of aiormq, if it is installed."""
        if self._originals:
            return
        try:
            module = importlib.import_module("aiormq.connection")
        except ImportError:
            return
        for name in _FACTORIES:
            factory = getattr(module, name)
            self._originals.append((factory, factory.create))
            factory.create = self._tapped(factory.create)

    def remove(self) -> None:
        """Put everything back."""
        while self._originals:
            factory, original = self._originals.pop()
            factory.create = original

    def is_idle(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Tell whether all timers of a loop are heartbeats of connections."""
        return not timers_of_the_test(loop, lambda _: False)

    def timeless(self, message: Message) -> Hashable:
        """Drop the timestamp of a message's properties, which tells when, not what."""
        fields: dict[str, Any] = dict(message.fields)
        if isinstance(fields.get("properties"), dict):
            fields["properties"] = {
                name: value for name, value in fields["properties"].items() if name != "timestamp"
            }
        return message.kind, repr(fields), message.body

    def _tapped(self, original: Any) -> Any:
        @functools.wraps(original)
        async def create(factory: Any, url: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            from pytest_replay.adapters.amqp.connecting import connect  # noqa: PLC0415  # loads pamqp

            session = active()
            if session is None or (session.passes is not None and session.passes(url.host, url.port)):
                return await original(factory, url, **kwargs)
            with self._lock:  # threads with loops of their own may connect at once
                if "amqp" not in session.kept:
                    session.kept["amqp"] = Lines(session)
                    session.libraries.update(_versions())
            return await connect(
                session.kept["amqp"], url, functools.partial(original, factory, url, **kwargs)
            )

        return create


@functools.cache
def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
