"""Schematic in trouble, derived from a recording of a good day: each fault, once and for good, by its retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from schematic.core.api_error import ApiError

from fixtures.schematic import MACHINE, about, backoff, company, connected, exactly, slept
from pytest_replay import faults

if TYPE_CHECKING:
    from fixtures.http import Server
    from pytest_replay import Replay

GOOD_DAY = "test_schematic_injected/test_a_company_is_got"
ACME = company("comp_1", name="Acme")
TIMEOUT = 7

pytestmark = pytest.mark.replay(redact=MACHINE, clock="recorded")
on_that_tape = pytest.mark.replay(GOOD_DAY, faults=[])

BUSY = httpx.Response(429, headers={"Retry-After": "2"})
RETRIED = [
    pytest.param(408, 408, id="408"),
    pytest.param(409, 409, id="409"),
    pytest.param(BUSY, 429, id="429-retry-after-2"),
    pytest.param(httpx.Response(503, headers={"Retry-After": "2"}), 503, id="503-retry-after-2"),
    pytest.param(500, 500, id="500"),
    pytest.param(502, 502, id="502"),
    pytest.param(503, 503, id="503"),
    pytest.param(504, 504, id="504"),
    pytest.param(httpx.ConnectError, "ConnectError", id="refused"),
]
"""What Schematic asks again after, as often as it is told to."""
RAISED = [
    pytest.param(404, 404, 0, id="404"),
    pytest.param(418, 418, 0, id="418"),
    pytest.param(httpx.ReadTimeout, "ReadTimeout", TIMEOUT, id="read-timeout"),
    pytest.param(httpx.ConnectTimeout, "ConnectTimeout", TIMEOUT, id="connect-timeout"),
    pytest.param(faults.slow(60), "ReadTimeout", TIMEOUT, id="slower-than-its-timeout"),
    pytest.param(httpx.RemoteProtocolError, "RemoteProtocolError", 0, id="no-response"),
    pytest.param(faults.cut(after=0), "RemoteProtocolError", 0, id="cut-before-its-body"),
    pytest.param(faults.cut(after=1), "RemoteProtocolError", 0, id="cut-in-its-body"),
]
"""What it raises at once; with the seconds until it does."""
NUMBERS = pytest.mark.parametrize("retries", [0, 1, 2])


def got(url: str, **options: Any) -> Any:
    with connected(url) as client:
        asked: Any = {"timeout_in_seconds": TIMEOUT, **options}
        return client.companies.get_company("comp_1", request_options=asked)


def waits(replay: Replay) -> list[float]:
    return [seconds for function, seconds in slept(replay) if function == "HttpClient.request"]


def expected_waits(replay: Replay, fault: Any, count: int) -> list[float]:
    if isinstance(fault, httpx.Response):
        return [2.0] * count
    return backoff(replay, *range(count))


def test_a_company_is_got(replay: Replay, schematic_api: Server) -> None:
    schematic_api.script("GET /companies/comp_1", ACME)

    assert got(schematic_api.url).data.name == "Acme"
    assert replay.calls().outcomes == [200]


@on_that_tape
@NUMBERS
@pytest.mark.parametrize(("fault", "outcome"), RETRIED)
def test_what_goes_wrong_once_is_asked_again(
    replay: Replay, schematic_api: Server, *, fault: Any, outcome: int | str, retries: int
) -> None:
    replay.inject(fault, path="/companies/comp_1")

    if retries:
        assert got(schematic_api.url, max_retries=retries).data.name == "Acme"
    else:
        fails(schematic_api.url, outcome, max_retries=0)

    expected = expected_waits(replay, fault, min(retries, 1))
    (attempts,) = replay.attempts()
    assert attempts.outcomes == [outcome, 200][: 1 + len(expected)]
    assert waits(replay) == exactly(expected)
    assert attempts.gaps == about(expected)


@on_that_tape
@NUMBERS
@pytest.mark.parametrize(("fault", "outcome"), RETRIED)
def test_what_goes_wrong_for_good_is_raised_at_last(
    replay: Replay, schematic_api: Server, *, fault: Any, outcome: int | str, retries: int
) -> None:
    replay.inject(faults.always(fault))

    fails(schematic_api.url, outcome, max_retries=retries)

    expected = expected_waits(replay, fault, retries)
    (attempts,) = replay.attempts()
    assert attempts.outcomes == [outcome] * (retries + 1)
    assert waits(replay) == exactly(expected)
    assert attempts.gaps == about(expected)
    assert all(call.injected for call in attempts)


@on_that_tape
@NUMBERS
@pytest.mark.parametrize(("fault", "outcome", "took"), RAISED)
def test_what_may_have_been_done_is_not_asked_again(
    replay: Replay, schematic_api: Server, *, fault: Any, outcome: int | str, took: float, retries: int
) -> None:
    replay.inject(fault)

    fails(schematic_api.url, outcome, max_retries=retries)

    (call,) = replay.calls()
    assert call.outcome == outcome
    assert call.ended == pytest.approx(call.started + took, abs=0.1)
    assert call.timeout.read == TIMEOUT
    assert waits(replay) == []


@on_that_tape
@pytest.mark.parametrize("fault", [httpx.RemoteProtocolError, faults.cut(after=0), faults.cut(after=1)])
@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_connection_that_ends_is_tried_again_where_that_is_wanted(
    replay: Replay, schematic_api: Server, *, fault: Any, attempts: int
) -> None:
    """Two retries are the SDK's default."""
    replay.inject([fault] * attempts)

    if attempts > 2:
        fails(schematic_api.url, "RemoteProtocolError", retry_remote_protocol_errors=True)
    else:
        assert got(schematic_api.url, retry_remote_protocol_errors=True).data.name == "Acme"

    assert replay.calls().outcomes == [*["RemoteProtocolError"] * attempts, 200][:3]
    assert waits(replay) == exactly(backoff(replay, *range(min(attempts, 2))))


@on_that_tape
def test_a_body_that_says_nothing_is_an_error_of_the_api(replay: Replay, schematic_api: Server) -> None:
    replay.inject(faults.malformed(b"<html>"))

    with pytest.raises(ApiError) as caught:
        got(schematic_api.url)

    assert (caught.value.status_code, caught.value.body) == (200, "<html>")
    assert replay.calls().outcomes == [200]


def fails(url: str, outcome: int | str, **options: Any) -> None:
    if isinstance(outcome, int):
        with pytest.raises(ApiError) as refused:
            got(url, **options)
        assert refused.value.status_code == outcome
    else:
        with pytest.raises(getattr(httpx, outcome)):
            got(url, **options)
