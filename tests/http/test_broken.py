"""A cassette that a hand has broken fails the test by name, before the SDK gets to see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_replay import BrokenTapeError
from pytest_replay.cassette import Cassette, Header, MemoryTape
from pytest_replay.messages import Interaction, Message, Reply

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.taping import Taping

URL = "http://api.invalid/"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": "abc"}, "the status 'abc' is no number"),
        ({"status": 99999}, "the status 99999 is no number"),
        ({"status": True}, "the status True is no number"),
        ({}, "the status None is no number"),
        ({"status": 200, "version": 1.1}, "these are not: {'version': 1.1}"),
        ({"status": 200, "reason": "\N{SNOWMAN}"}, "these are not: {'reason': '\N{SNOWMAN}'}"),
        (
            {"status": 200, "headers": [["server"]]},
            "headers that are no pairs of texts in latin-1: [['server']]",
        ),
        ({"status": 200, "headers": 7}, "headers that are no pairs of texts in latin-1: 7"),
        (
            {"status": 200, "headers": [("age", 1)]},
            "headers that are no pairs of texts in latin-1: [('age', 1)]",
        ),
    ],
)
def test_a_head_that_is_none_breaks_the_tape(
    caller: Caller, taping: Taping, fields: dict[str, Any], problem: str
) -> None:
    request = Message("http.request", {"method": "GET", "url": URL, "headers": []})
    interaction = Interaction(request, (Reply(Message("http.response", fields)),))
    cassette = Cassette("tapes/broken", Header(datetime.now(UTC)), MemoryTape([(f"GET {URL}", interaction)]))

    async def act() -> None:
        async with caller.client() as client:
            await client.request("GET", URL)

    with taping.replaying(cassette) as take, pytest.raises(BrokenTapeError) as caught:
        caller.run(act)

    assert problem in str(caught.value)
    assert str(caught.value).startswith("tapes/broken: ")
    assert take.session.failures == [caught.value]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "http.error has no causes, which is a list"),
        ({"causes": []}, "http.error has causes: [], which is a list of mappings"),
        ({"causes": "os.system"}, "http.error has causes: 'os.system', which is a list of mappings"),
        ({"causes": ["os.system"]}, "http.error has causes: ['os.system'], which is a list of mappings"),
        ({"causes": [{"text": "a"}]}, "a cause of {'text': 'a'}, which has a type and a text in words"),
        ({"causes": [{"type": "httpx.ReadTimeout"}]}, "which has a type and a text in words"),
        ({"causes": [{"type": 1, "text": "a"}]}, "which has a type and a text in words"),
        (
            {"causes": [{"type": "os.system", "text": "a"}]},
            "names an exception that can't be raised: 'os.system'",
        ),
        ({"causes": [{"type": "ssl.os.abort", "text": "a"}]}, "names an exception that can't be raised"),
        (
            {"causes": [{"type": "builtins.SystemExit", "text": "0"}]},
            "names an exception that can't be raised",
        ),
        ({"causes": [{"type": "." * 9999, "text": "a"}]}, "names an exception that can't be raised: '....."),
    ],
)
def test_a_failure_that_is_none_breaks_the_tape(
    caller: Caller, taping: Taping, fields: dict[str, Any], problem: str
) -> None:
    request = Message("http.request", {"method": "GET", "url": URL, "headers": []})
    interaction = Interaction(request, (Reply(Message("http.error", fields)),))
    cassette = Cassette("tapes/broken", Header(datetime.now(UTC)), MemoryTape([(f"GET {URL}", interaction)]))

    async def act() -> None:
        async with caller.client() as client:
            await client.request("GET", URL)

    with taping.replaying(cassette), pytest.raises(BrokenTapeError) as caught:
        caller.run(act)

    assert problem in str(caught.value)
    assert str(caught.value).startswith("tapes/broken: ")
    assert len(str(caught.value)) < 500
