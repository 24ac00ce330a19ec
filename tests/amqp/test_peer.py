"""The peer: what it is to say keeps its order, however busy the machine is."""

from __future__ import annotations

from itertools import count

import pytest

from fixtures.amqp_messages import AMQP, amqp, publish
from fixtures.sessions import cassette_of, opened
from pytest_replay.adapters.amqp.lines import Lines
from pytest_replay.adapters.amqp.peer import Peer
from pytest_replay.call import Call
from pytest_replay.session import Told


@pytest.mark.asyncio
async def test_what_comes_together_is_due_together_on_a_machine_that_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = opened(cassette_of())
    peer = Peer(Lines(session), 1, AMQP)
    dues: list[float] = []
    monkeypatch.setattr(peer._turns, "put", lambda due, *_, **__: dues.append(due))
    pauses = count(step=5.0)
    time = peer.loop.time
    monkeypatch.setattr(peer.loop, "time", lambda: time() + next(pauses), raising=False)
    call = Call(publish(b"1"), None, 0.0)

    for kind in ("basic.return", "basic.ack"):
        peer.deliver(Told(call, amqp(kind), due=7.0, came=None))

    assert len(dues) == 2
    assert dues[0] == dues[1]
