"""aio-pika logs in: over TLS, with a new secret later on; and no cassette holds what it logs in with."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.rotation import rotated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixtures.amqp import Broker, Relay
    from fixtures.tls import Authority

aio_pika = pytest.importorskip("aio_pika", reason="aio-pika is not installed")
commands = pytest.importorskip("pamqp.commands")

NEW_SECRET = rotated("n3w-s3cr3t")
WRONG_PASSWORD = rotated("wr0ng-s3cr3t")


@pytest.mark.replay
@pytest.mark.asyncio
async def test_a_connection_over_tls_is_as_any_other(recorded_tls_relay: Relay, authority: Authority) -> None:
    async with await aio_pika.connect_robust(
        recorded_tls_relay.url, ssl_context=authority.client()
    ) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("behind tls")

        await channel.default_exchange.publish(aio_pika.Message(b"one"), "behind tls")

        assert (await queue.get(no_ack=True)).body == b"one"


@pytest.mark.replay
@pytest.mark.asyncio
async def test_a_secret_can_be_renewed(recorded_broker: Broker) -> None:
    async with await aio_pika.connect_robust(recorded_broker.url) as connection:
        answer = await connection.update_secret(NEW_SECRET, reason="the old one has expired")

        assert type(answer) is commands.Connection.UpdateSecretOk
        queue = await (await connection.channel()).declare_queue("renewed", exclusive=True)
        assert queue.declaration_result.message_count == 0


@pytest.mark.replay
@pytest.mark.asyncio
@pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")
async def test_a_wrong_password_is_refused(recorded_broker: Broker) -> None:
    with pytest.raises(aio_pika.exceptions.ProbableAuthenticationError) as raised:
        await aio_pika.connect(recorded_broker.at(password=WRONG_PASSWORD))

    assert str(raised.value) == (
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
        "For details see the broker logfile."
    )


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(b"\0guest\0guest", id="login"),
        pytest.param(b"guest:guest", id="url"),
        pytest.param(WRONG_PASSWORD.encode(), id="wrong"),
        pytest.param(NEW_SECRET.encode(), id="new"),
    ],
)
def test_no_cassette_holds_a_password(replay_config: Mapping[str, str], secret: bytes) -> None:
    cassettes = sorted(Path(replay_config["dir"], "tests", "sdk").glob("test_aio_pika_*/*.yaml"))
    here = [cassette for cassette in cassettes if cassette.parent.name == Path(__file__).stem]
    assert len(here) == 3

    shapes = (secret, b64encode(secret), secret.replace(b"\0", b"\\0"))

    assert [cassette.name for cassette in cassettes if any(s in cassette.read_bytes() for s in shapes)] == []
