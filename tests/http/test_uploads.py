"""An upload that was not sent to its end is read no further in replay than it was sent."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import PATIENCE

if TYPE_CHECKING:
    from fixtures.callers import Caller, SyncCaller
    from fixtures.sockets import Address
    from fixtures.taping import Take, Taping


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
