"""Budget: what reading a cassette may cost, of which each of its messages takes a part. Knows no file format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay import limits
from pytest_replay.bodies import CodingError, media_of, undo
from pytest_replay.bodies.codings import BombError

if TYPE_CHECKING:
    from pytest_replay.messages import Message


class BudgetError(ValueError):
    """A cassette that asks for more than it may."""


class Budget:
    """What is left for one cassette."""

    __slots__ = ("_bytes", "_nodes")

    def __init__(self) -> None:
        self._bytes = limits.CASSETTE
        self._nodes = limits.CASSETTE_NODES

    def spend(self, nodes: int) -> None:
        """Take what a document of so many nodes costs. Raises BudgetError."""
        self._nodes -= nodes
        if self._nodes < 0:
            raise BudgetError(f"more than {limits.CASSETTE_NODES} scalars and collections in one cassette")

    def take(self, message: Message, *, decoded: int | None = None) -> None:
        """Take what a message costs. Raises BudgetError.

        `decoded` is the size of its body without its content codings, if that is known. Who will decode it later, for
        matching or for people, may rely on it.
        """
        headers = message.fields.get("headers")
        if isinstance(headers, list) and len(headers) > limits.HEADERS:
            raise BudgetError(f"{len(headers)} headers: more than {limits.HEADERS}")
        size = len(message.body)
        if not size:
            return
        if size > limits.BODY:
            raise BudgetError(f"a body of {size} bytes: more than {limits.BODY // limits.MIB} MiB")
        self._bytes -= max(size, _decoded_size(message) if decoded is None else decoded)
        if self._bytes < 0:
            raise BudgetError(f"bodies of more than {limits.CASSETTE // limits.MIB} MiB in one cassette")


def _decoded_size(message: Message) -> int:
    codings = media_of(message).codings
    if not codings:
        return 0
    try:
        return len(undo(message.body, codings))
    except BombError as error:
        raise BudgetError(
            f"a body that is too much when its {', '.join(codings)} is undone: {error}"
        ) from error
    except CodingError:
        return 0  # and so nobody will decode it
