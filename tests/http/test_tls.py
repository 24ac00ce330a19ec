"""One SSL context serves all clients in replay, where none is used; outside, each has its own as ever."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.callers import LIBRARIES, caller_of

if TYPE_CHECKING:
    from fixtures.http import Server
    from fixtures.taping import Taping


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_context_is_made_once_in_replay_and_only_there(name: str, taping: Taping, server: Server) -> None:
    library = caller_of(f"{name}-sync").library
    own = ssl.create_default_context()

    def contexts(**options: Any) -> int:
        """Count the contexts of six clients, but for `own`."""
        made = {own}
        for _ in range(3):
            for client in (library.Client(**options), library.AsyncClient(**options)):
                made.add(client._transport._pool._ssl_context)
        return len(made) - 1

    server.script("GET /", 204)
    with taping.recording() as take:
        library.get(server.url, verify=own)
        recording = contexts()
    with taping.replaying(take.cassette, unplayed="ignore"):
        replaying, insecure, owned = contexts(), contexts(verify=False), contexts(verify=own)
        kept = library.HTTPTransport(verify=own)
    outside = contexts()

    assert (recording, replaying, owned, outside) == (6, 1, 0, 6)
    assert insecure <= 1
    assert kept._pool._ssl_context is own
