"""An upgraded connection (RFC 9110 §7.8) is on the tape up to its upgrade; who talks over it in replay is told so."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import PATIENCE, SyncCaller
from fixtures.http import Raw
from pytest_replay import TapeEndedError

if TYPE_CHECKING:
    from fixtures.callers import Caller
    from fixtures.http import Server
    from fixtures.taping import Taping

UPGRADE = {"Connection": "Upgrade", "Upgrade": "echo"}
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


async def upgrade(caller: Caller, url: str, *, talk: bool) -> Any:
    async with caller.client() as client, client.stream("GET", url, headers=UPGRADE) as response:
        stream = response.extensions["network_stream"]
        if not talk:
            return response.status_code, response.headers["upgrade"], stream.get_extra_info("is_readable")
        if isinstance(caller, SyncCaller):
            return stream.read(5, timeout=PATIENCE)
        return await stream.read(5, timeout=PATIENCE)


@pytest.fixture
def greeting(server: Server) -> Server:
    server.script("GET /", Raw([SWITCHING, 0.01, b"hello", threading.Event()], end="hang"))
    return server


def test_the_upgrade_itself_is_replayed(caller: Caller, greeting: Server, taping: Taping) -> None:
    recorded, replayed = taping.both(
        lambda: caller.run(lambda: upgrade(caller, greeting.url, talk=False)), greeting
    )

    assert replayed[:2] == recorded[:2] == (101, "echo")
    assert replayed[2] is None


def test_what_is_said_after_it_is_not_on_the_tape(caller: Caller, greeting: Server, taping: Taping) -> None:
    with taping.recording() as take:
        assert caller.run(lambda: upgrade(caller, greeting.url, talk=True)) == b"hello"
    greeting.stop()
    with taping.replaying(take.cassette) as again, pytest.raises(TapeEndedError) as caught:
        caller.run(lambda: upgrade(caller, greeting.url, talk=True))

    assert again.session.failures == [caught.value]
    assert str(caught.value) == (
        f"the recording of GET {greeting.url} ends here\n"
        "  the connection was upgraded (status 101), and what was said over it since is on no tape\n\n"
        "what to do next:\n"
        "  let this test do without a cassette, and give it a peer of its own"
    )
