"""What gave messages back to their queues, or to the dead letters, by what each message is known by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from pytest_replay.adapters.amqp.said import Ids, Token

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from pytest_replay.adapters.amqp.consumers import Content
    from pytest_replay.adapters.amqp.said import Place, Said


class Requeues(Generic[Token]):
    """Finds what gave a message back, and whether it was given again as often as it was given back."""

    def __init__(self) -> None:
        self._causes: Ids[Token] = Ids()
        self._sweeps: Ids[Token] = Ids()
        self._count: dict[Content, int] = {}

    def add(
        self, contents: Iterable[Content], causes: Iterable[Said[Token]], places: Container[Place]
    ) -> None:
        """Note what gave back these; `places` are the channels that are open."""
        causes = tuple(causes)
        for content in contents:
            self._count[content] = self._count.get(content, 0) + 1
            for said in causes:
                self._causes.add(content, said, places)

    def sweep(self, causes: Iterable[Said[Token]], places: Container[Place]) -> None:
        """Note what also gave back whatever was still on its way to the test: the last on each channel counts."""
        for said in causes:
            self._sweeps.add(None, said, places)

    def take(self, content: Content) -> tuple[tuple[Said[Token], ...], tuple[Said[Token], ...]]:
        """Give what gave this message back, once for each time that it was, and what may have.

        What is alike may have been given back by either: a sweep, or what gave back another.
        """
        count = self._count.pop(content, 0)
        found, sweeps = self._causes.find(content), self._sweeps.find(None)
        if not count:
            return (), (*found, *sweeps)
        if count > 1:
            self._count[content] = count - 1
        return found, sweeps
