"""Rotated secrets: a chain that is recorded again with others leaves its cassette as it was, and replays."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from fixtures.answers import Answer

if TYPE_CHECKING:
    import pytest

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
