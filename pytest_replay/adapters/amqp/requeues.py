"""What gave messages back to their queues, or to the dead letters, by what each message is known by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from pytest_replay.adapters.amqp.said import Ids, Token

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from pytest_replay.adapters.amqp.consumers import Content
    from pytest_replay.adapters.amqp.said import Place, Said


class Requeues(Generic[Token]):
    """Finds what gave a message back, until it was given again as often as it was given back."""

    def __init__(self) -> None:
        self.last: tuple[Said[Token], ...] = ()
        """What gave back last: a message that was never delivered may have been given back by it."""
        self._causes: Ids[Token] = Ids()
        self._count: dict[Content, int] = {}

    def add(
        self, contents: Iterable[Content], causes: tuple[Said[Token], ...], open_: Container[Place]
    ) -> None:
        for content in contents:
            self._count[content] = self._count.get(content, 0) + 1
            for said in causes:
                self._causes.add(content, said, open_)
            self.last = causes

    def take(self, content: Content) -> tuple[Said[Token], ...]:
        """Give what may have given this message back; once for each time that it was."""
        count = self._count.get(content, 0)
        if not count:
            return ()
        found = self._causes.find(content)
        if count > 1:
            self._count[content] = count - 1
        else:
            del self._count[content]
            self._causes.forget(content)
        return found
