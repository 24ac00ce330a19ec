"""Each request gets the answer that it got, however many ask at once and in whatever order the answers came."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from fixtures.http import Answer, echo
from fixtures.taping import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixtures.callers import Caller
    from fixtures.http import Request, Server
    from fixtures.taping import Taping

AT_ONCE = 50


async def texts(caller: Caller, client: Any, url: str, bodies: Iterable[Any]) -> list[str]:
    """Send a request with each body, all at once; tell the answers in the order of the bodies."""

    async def one(body: Any) -> str:
        return str((await client.request("POST", url, json=body)).text)

    return await caller.together([partial(one, body) for body in bodies])


def test_failures_and_the_success_after_them_are_played_in_turn(
    caller: Caller, server: Server, taping: Taping
) -> None:
    server.script("GET /", 500, 500, (200, "at last"))

    async def act() -> Any:
        async with caller.client() as client:
            return [(await client.request("GET", server.url)).status_code for _ in range(3)]

    assert taping.both(lambda: caller.run(act), server) == ([500, 500, 200], [500, 500, 200])


def test_the_same_request_many_times_at_once_gets_its_own_answers(
    caller: Caller, server: Server, taping: Taping
) -> None:
    numbers = count()

    def answer(_: Request) -> Answer:
        number = next(numbers)
        return Answer(200, str(number), delay=number % 7 / 1000)

    server.script("POST /", answer)

    async def act() -> list[str]:
        async with caller.client() as client:
            return await texts(caller, client, server.url, [None] * AT_ONCE)

    with taping.recording() as take:
        recorded = caller.run(act)
    server.stop()
    replays = []
    for _ in range(EXAMPLES):
        with taping.replaying(take.cassette) as again:
            replayed = caller.run(act)
        replays.append(again)
        assert again.verdict.failure is None
        if caller.orderly:
            assert replayed == recorded

    by_sending = [call.response.text for call in take.calls()]
    assert sorted(by_sending) == sorted(recorded)
    assert [[call.response.text for call in again.calls()] for again in replays] == [by_sending] * EXAMPLES


def test_different_requests_may_come_in_another_order(caller: Caller, server: Server, taping: Taping) -> None:
    server.script("POST /", lambda request: Answer(200, request.body, delay=request.json % 5 / 1000))

    async def act(numbers: Iterable[int]) -> list[str]:
        async with caller.client() as client:
            return await texts(caller, client, server.url, numbers)

    with taping.recording() as take:
        recorded = caller.run(act, range(20))
    server.stop()
    with taping.replaying(take.cassette) as again:
        replayed = caller.run(act, reversed(range(20)))

    assert recorded == [str(number) for number in range(20)]
    assert replayed == recorded[::-1]
    assert again.verdict.failure is None


def test_two_clients_share_one_tape(caller: Caller, server: Server, taping: Taping) -> None:
    def answer(request: Request) -> Any:
        return [len(server.heard("GET /same"))] if request.path == "/same" else echo(request)

    server.script("GET /{rest:path}", answer)

    async def act() -> Any:
        async with caller.client(headers={"who": "a"}) as a, caller.client(headers={"who": "b"}) as b:
            told = []
            for path in ("/same", "/x", "/same", "/y"):
                for client in (a, b):
                    told.append((await client.request("GET", server.url + path)).json())  # noqa: PERF401
            return told

    recorded, replayed = taping.both(lambda: caller.run(act), server)

    assert replayed == recorded
    assert recorded[::4] == [[1], [3]]
