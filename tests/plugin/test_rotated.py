"""Rotated secrets: a chain that is recorded again with others leaves its cassette as it was, and replays."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from fixtures.answers import Answer

if TYPE_CHECKING:
    from fixtures.request import Request
    from tests.plugin.conftest import Suite

CHAIN = """
    import base64, os
    import pytest
    from sdk import client

    @pytest.mark.replay
    def test_it():
        password = os.environ.get("PASSWORD", "a-dummy-password")
        login = client.post("/login", json={"user": "me", "password": password})
        token = login.json()["access_token"]
        location = login.headers["Location"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get(location).json()["by"] == token
        coded = base64.b64encode(f"me:{token}:{password}".encode()).decode()
        assert client.post("/echo", json={"note": coded}).json().keys() == {"note"}
    """


def test_a_chain_with_other_secrets_is_the_same_cassette(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    def login(_: Request) -> Answer:
        given.append(secrets.token_urlsafe(24))
        headers = [("Location", f"/of/{given[-1]}/x"), ("Set-Cookie", f"sid={secrets.token_hex(16)}")]
        return Answer(body=json.dumps({"access_token": given[-1]}).encode(), headers=headers)

    suite.server.script("POST /login", login)
    suite.server.script("GET /of/{token}/x", lambda _: Answer(body=json.dumps({"by": given[-1]}).encode()))
    suite.server.script("POST /echo", lambda request: Answer(body=request.body))
    suite.write("sdk.py", (suite.root / "sdk.py").read_text() + "\nclient = httpx.Client(base_url=URL)\n")
    suite.write("test_it.py", CHAIN)
    kept = []
    for password in ("correct-horse-1", "battery-staple-22"):
        monkeypatch.setenv("PASSWORD", password)
        suite.record().assert_outcomes(passed=1)
        [path] = suite.root.rglob("*.yaml")
        kept.append(path.read_bytes())

    assert kept[0] == kept[1]
    assert not any(token.encode() in kept[1] for token in given)
    for environment in ("battery-staple-22", "another-password"):
        monkeypatch.setenv("PASSWORD", environment)
        suite.replay().assert_outcomes(passed=1)


SHAPES = """
    import base64, json, os, time, uuid
    import pytest
    from sdk import client

    def claims_of(token):
        return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))

    @pytest.mark.replay{clock}
    def test_it():
        client.headers["X-Api-Key"] = os.environ.get("THEIR_VALUE", "dummy")
        keys = client.post("/keys", json={{"otp": os.environ.get("THEIR_DIGITS", "000000")}}).json()
        claims = claims_of(keys["id_token"])
        assert claims["sub"] == "me"
        assert claims["iat"] - 5 <= time.time() < claims["exp"]
        assert uuid.UUID(keys["session_id"]).version == 4
        assert len(bytes.fromhex(keys["secret"])) == 24
        assert len(base64.b64decode(keys["account_key"], validate=True)) == 32
        code = keys.pop("user_code")
        assert type(code) is int and len(str(code)) == 9
        assert client.post("/code", json={{"user_code": code}}).json() == {{}}
        for name, key in keys.items():
            client.headers["Authorization"] = f"Bearer {{key}}"
            assert client.get("/by", params={{"q": f"x{{key}}"}}).json() == {{"by": key, "name": name}}
    """


@pytest.mark.parametrize("clock", ["", '(clock="recorded")'], ids=["real", "recorded"])
def test_shaped_secrets_are_what_their_sdk_parses(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    given: list[str] = []

    def keys(_: Request) -> Answer:
        now = int(time.time())
        claims = {"sub": "me", "iat": now, "exp": now + 600, "jti": str(uuid.uuid4())}
        parts = (json.dumps(part).encode() for part in ({"alg": "HS256"}, claims, secrets.token_hex(16)))
        made = {
            "id_token": ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts),
            "session_id": str(uuid.uuid4()),
            "secret": secrets.token_hex(24),
            "account_key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "user_code": 10**8 + secrets.randbelow(9 * 10**8),
        }
        given.extend(map(str, made.values()))
        return Answer(body=json.dumps(made).encode())

    def by(request: Request) -> Answer:
        key = str(request.header("authorization")).removeprefix("Bearer ")
        name = ("id_token", "session_id", "secret", "account_key")[given.index(key) % 5]
        return Answer(body=json.dumps({"by": key, "name": name}).encode())

    suite.server.script("POST /keys", keys)
    suite.server.script("POST /code", Answer(body={}))
    suite.server.script("GET /by", by)
    suite.write("sdk.py", (suite.root / "sdk.py").read_text() + "\nclient = httpx.Client(base_url=URL)\n")
    suite.write("test_it.py", SHAPES.format(clock=clock))
    kept = []
    for value, digits in (("a1b2c3d4" * 4, "123456"), ("0f9e8d7c" * 4, "654321")):
        monkeypatch.setenv("THEIR_VALUE", value)
        monkeypatch.setenv("THEIR_DIGITS", digits)
        suite.record().assert_outcomes(passed=1)
        [path] = suite.root.rglob("*.yaml")
        kept.append(path.read_bytes())

    assert kept[0] == kept[1]
    assert len(given) == 10
    assert not any(key.encode() in kept[1] for key in given)
    for value, digits in (("0f9e8d7c" * 4, "654321"), ("a dummy", "999999")):
        monkeypatch.setenv("THEIR_VALUE", value)
        monkeypatch.setenv("THEIR_DIGITS", digits)
        suite.replay().assert_outcomes(passed=1)
