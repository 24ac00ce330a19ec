"""A tape may be edited by hand: whatever is on one, the command has words for it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_replay.cassette import Cassette
from pytest_replay.checking import CheckedTape
from pytest_replay.cli.facts.changes import compare
from pytest_replay.cli.facts.document import document_of
from pytest_replay.cli.facts.figures import Figures
from pytest_replay.cli.facts.findings import findings_in
from pytest_replay.cli.facts.summary import summary_of
from pytest_replay.cli.views.changes import comparison_lines
from pytest_replay.cli.views.findings import finding_lines
from pytest_replay.cli.views.tape import header_lines, interaction_lines
from pytest_replay.errors import CassetteError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.redaction import Redaction
from pytest_replay.settings import Settings
from tests.cli.samples import HEADER, cassette_of

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = [
    *("http.response", "http.chunk", "http.error", "http.closed", "http.cancelled"),
    *(
        "amqp.basic.deliver",
        "amqp.basic.return",
        "amqp.basic.ack",
        "amqp.queue.declare-ok",
        "amqp.unheard-of",
    ),
    *("amqp.connect-error", "amqp.closed", "amqp.channel.close", "amqp.connection.start"),
]
NAMES = [
    *("status", "reason", "version", "sent", "causes", "reply_code", "exchange", "routing_key", "queue"),
    *("properties", "client_properties"),
]
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
)
PLAIN: Any = st.recursive(
    SCALARS,
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(max_size=3), it, max_size=3),
    max_leaves=4,
)
HEADERS = st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=3)
PROPERTIES = st.dictionaries(st.sampled_from(["content_type", "headers", "x"]), PLAIN)
FIELDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(NAMES, PLAIN) | {"headers": HEADERS, "properties": PLAIN | PROPERTIES}
)
BODIES = st.binary(max_size=20) | st.sampled_from([b"", b'{"a":[1]}', b"a=1&b", b"--x\r\n\r\n"])
URLS = st.text(max_size=9) | st.sampled_from(
    ["https://a.example/?a=1&a", "//", "http://[::1", "x://a:b@c/#d"]
)


def asked(fields: dict[str, Any], url: str, body: bytes) -> Message:
    return Message("http.request", {"headers": [], **fields, "method": "GET", "url": url}, body)


def message(kind: str, fields: dict[str, Any], body: bytes) -> Message:
    place = {"connection": 1, "channel": 1} if kind.startswith("amqp.") else {}
    return Message(kind, place | fields, body)


SAID = st.sampled_from(["amqp.basic.publish", "amqp.queue.declare", "amqp.basic.get"])
REQUESTS = st.builds(asked, FIELDS, URLS, BODIES) | st.builds(message, SAID, FIELDS, BODIES)
REPLIES = st.builds(Reply, st.builds(message, st.sampled_from(KINDS), FIELDS, BODIES))
TAPES = st.lists(st.builds(Interaction, REQUESTS, st.lists(REPLIES, max_size=3).map(tuple)), max_size=3)


def told(cassette: Cassette) -> Iterator[str]:
    """Say all that there is to say of a cassette."""
    yield from map(str, header_lines(cassette, HEADER.recorded_at))
    for number, (_, interaction) in enumerate(cassette, start=1):
        for full in (False, True):
            yield from map(str, interaction_lines(interaction, number, full=full))
    Figures().add(cassette)
    document_of(cassette)
    yield from map(str, comparison_lines(compare(cassette, cassette_of([]), Settings())))
    yield from map(str, comparison_lines(compare(cassette, cassette, Settings())))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TAPES)
def test_there_are_words_for_whatever_is_on_a_tape(interactions: list[Interaction]) -> None:
    made = cassette_of(interactions, name="one")
    cassette = Cassette("one", HEADER, CheckedTape(made.tape, name="one"))

    summary = summary_of(cassette)
    assert summary.interactions == len(interactions)
    for finding in finding_lines(list(findings_in(cassette, Redaction())), 1):
        assert str(finding).isprintable()
    with suppress(CassetteError):  # it was a finding
        for line in told(cassette):
            assert line.isprintable()
