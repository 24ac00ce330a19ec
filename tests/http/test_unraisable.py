"""A cassette that names an exception which nobody can raise is told of by its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fixtures.tapes import cassette, get, replied
from pytest_replay import BrokenTapeError, CassetteError

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.taping import Taping
    from pytest_replay.messages import Reply

URL = "http://api.example.com/"
HEAD = replied("http.response", status=200, headers=[])
FAULT = replied("http.error", causes=[{"type": "os._exit", "text": "1"}])
TOLD = (
    "tests/test_it/test_it: it names an exception that can't be raised: 'os._exit'\n  record the test again"
)


@pytest.mark.parametrize(
    "replies",
    [
        pytest.param([FAULT], id="instead of a response"),
        pytest.param([HEAD, replied("http.chunk", b"a"), FAULT], id="within a response"),
    ],
)
def test_the_test_fails_and_the_cassette_is_named(
    replies: list[Reply], caller: Caller, taping: Taping
) -> None:
    async def act() -> Any:
        async with caller.client() as client:
            await client.request("GET", URL)

    with taping.replaying(cassette(get(URL, *replies), name="tests/test_it/test_it")) as take:
        with pytest.raises(BrokenTapeError) as raised:
            caller.run(act)
        (call,) = take.calls()

    assert str(raised.value) == TOLD
    with pytest.raises(CassetteError) as asked:
        _ = call.fault
    assert str(asked.value) == TOLD
