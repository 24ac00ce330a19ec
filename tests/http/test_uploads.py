"""An upload that was not sent to its end is read no further in replay than it was sent."""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import PATIENCE
from pytest_replay.errors import NoMatchError

if TYPE_CHECKING:
    from fixtures.callers import Caller, SyncCaller
    from fixtures.http import Server
    from fixtures.sockets import Address
    from fixtures.taping import Take, Taping

CODED = base64.b64encode(b"words " * 500 + b"me:redacted-password-1z")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda _: {"files": {"f": b"abc"}}, id="a form"),
        pytest.param(lambda caller: {"content": caller.body(*[b"abc"] * 3)}, id="a stream"),
    ],
)
def test_an_upload_that_nobody_took_fails_again(
    caller: Caller, refusing: Address, taping: Taping, body: Any
) -> None:
    async def act() -> str:
        async with caller.client(timeout=PATIENCE) as client:
            with pytest.raises(caller.library.ConnectError) as caught:
                await client.request("POST", refusing.url, **body(caller))
            return str(caught.value)

    recorded, replayed = taping.both(lambda: caller.run(act), refusing)

    assert replayed == recorded


def test_an_upload_that_was_sent_in_part_says_so_on_the_tape(
    caller: Caller, refusing: Address, taping: Taping
) -> None:
    async def act() -> None:
        async with caller.client(timeout=PATIENCE) as client:
            with pytest.raises(caller.library.ConnectError):
                await client.request("POST", refusing.url, files={"f": b"abc"})
            with pytest.raises(caller.library.ConnectError):
                await client.request("POST", refusing.url, content=b"abc")

    with taping.recording() as take:
        caller.run(act)

    assert [(request.fields.get("sent"), request.body) for request in take.requests] == [
        ("part", b""),
        (None, b"abc"),
    ]


def test_an_endless_upload_is_read_as_far_as_it_was_sent(sync_caller: SyncCaller, taping: Taping) -> None:
    library = sync_caller.library

    class Breaking(library.BaseTransport):  # type: ignore[name-defined,misc]
        def handle_request(self, request: Any) -> Any:
            next(iter(request.stream))
            raise library.WriteError("broken pipe")

    def act(take: Take) -> None:
        transport = taping.adapter.wrap(take.session, Breaking())
        with (
            library.Client(transport=transport) as client,
            pytest.raises(library.WriteError, match="broken pipe"),
        ):
            client.post("http://api.invalid/", content=itertools.repeat(b"abc"))

    with taping.recording() as take:
        act(take)
    with taping.replaying(take.cassette) as again:
        act(again)

    assert take.requests[0].body == b"abc"
    assert again.session.failures == []
    assert again.verdict.failure is None


@pytest.mark.parametrize(
    "chunks",
    [
        [b"a" * 9, b"redacted-password-1z", b"b"],
        [b"password=redac", b"ted-password", b"-1", b"z&c", b"d" * 4096],
        [CODED[:4003], CODED[4003:]],
    ],
    ids=["whole", "in pieces", "base64"],
)
def test_a_placeholder_in_a_stream_is_not_sent(
    caller: Caller, server: Server, taping: Taping, chunks: list[bytes]
) -> None:
    """The chunks before the one that makes it whole are on their way by then; that one is not."""

    async def act() -> None:
        async with caller.client(timeout=PATIENCE) as client:
            await client.request("POST", f"{server.url}/a", content=caller.body(*chunks))

    server.script("POST /a", 200)
    said = "it would be sent, and holds redacted-password-1z"
    with taping.recording() as take, pytest.raises(NoMatchError, match=said):
        caller.run(act)

    assert take.verdict.save is None
    assert [str(failure).splitlines()[0] for failure in take.session.failures] == [
        f"no recorded answer for POST {server.url}/a"
    ]
    assert [request.body for request in server.requests] == []


def test_a_stream_without_a_placeholder_is_sent_as_it_is(
    caller: Caller, server: Server, taping: Taping
) -> None:
    chunks = [b"redacted-", b"a" * 600, b"-1z", b"redacted"]

    async def act() -> int:
        async with caller.client(timeout=PATIENCE) as client:
            response = await client.request("POST", f"{server.url}/a", content=caller.body(*chunks))
            return int(response.status_code)

    server.script("POST /a", 200)
    with taping.recording() as take:
        assert caller.run(act) == 200

    assert [request.body for request in take.requests] == [b"".join(chunks)]
