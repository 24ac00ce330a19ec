"""Published: what the test sent over AMQP, for its assertions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_replay.adapters.amqp.contents import Content, pick
from pytest_replay.adapters.series import Series, marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_replay.bodies.decoders import Decoder
    from pytest_replay.call import Call
    from pytest_replay.faults import Fault

_CONFIRMS = {"amqp.basic.ack": True, "amqp.basic.nack": False}


class Returned(NamedTuple):
    """Why the broker gave a message back."""

    code: int
    text: str


class Published(Content):
    """One message that the test sent, and what became of it."""

    __slots__ = ()

    @property
    def mandatory(self) -> bool:
        """Whether it was to come back if no queue takes it."""
        return bool(self._message.fields.get("mandatory"))

    @property
    def confirmed(self) -> bool | None:
        """Whether the broker took it: True for an ack, False for a nack, None where it has said neither."""
        for reply in self._call.replies:
            if reply.message.kind in _CONFIRMS:
                return _CONFIRMS[reply.message.kind]
        return None

    @property
    def returned(self) -> Returned | None:
        """Reply code and text where it came back, such as `(312, "NO_ROUTE")`; else None."""
        for reply in self._call.replies:
            if reply.message.kind == "amqp.basic.return":
                fields = reply.message.fields
                return Returned(fields.get("reply_code", 0), fields.get("reply_text", ""))
        return None

    @property
    def replayed(self) -> bool:
        """Whether the tape took it, and not a broker or a fault."""
        return self._call.recorded is not None and self._call.injected is None

    @property
    def injected(self) -> Fault | None:
        """The fault that it met; None where it met none."""
        return self._call.injected

    @property
    def started(self) -> float:
        """When it was sent, in seconds on the session's clock."""
        return self._call.started

    @property
    def _steps(self) -> tuple[int, int | None]:
        return self._call.begun, self._call.begun

    @property
    def _span(self) -> tuple[float, float]:
        return self.started, self.started

    @property
    def _said(self) -> str:
        return f"basic.publish {self._place} on {self._lane}"

    @property
    def _came(self) -> str:
        told = {True: ["acked"], False: ["nacked"], None: []}[self.confirmed]
        if self.returned is not None:
            told = [f"returned: {self.returned.code} {self.returned.text}"]
        return " ".join([*told, *marked(self.injected)])


class Publishes(Series[Published]):
    """Messages in the order in which they were sent."""

    noun = "published"


def select_published(
    calls: Iterable[Call], lookups: Mapping[str, Any], *, decoders: Sequence[Decoder] = ()
) -> Publishes:
    """Pick the messages that were sent and meet every lookup; all of them where none is given.

    Raises SettingsError for an unknown lookup.
    """
    sent = (
        Published(call, call.request, tuple(decoders))
        for call in calls
        if call.request.kind == "amqp.basic.publish"
    )
    return Publishes(pick(sent, lookups, asked="published", besides=("mandatory",)))
