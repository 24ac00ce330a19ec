"""No report tells a secret: not of URLs, nor of failures, nor what an SDK says in its errors."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

KEY, TOKEN = "Zk3vQ9xT7mW2pL8sRb5n", "Yh2uP8wS6lV1oK7rQa4m"  # made up
SUITE = f"""
    import httpx
    import pytest
    from sdk import URL

    KEY, TOKEN = "{KEY[:10]}" + "{KEY[10:]}", "{TOKEN[:10]}" + "{TOKEN[10:]}"

    @pytest.mark.replay
    def test_in_the_url(replay):
        httpx.get(f"{{URL}}/a", params={{"api_key": KEY}})
        httpx.get(f"{{URL}}/users/{{KEY}}/orders")
        replay.redact(TOKEN)
        httpx.get(f"{{URL}}/b/{{TOKEN}}")

    @pytest.mark.replay
    def test_in_an_error():
        httpx.get(f"{{URL}}/a", headers={{"Authorization": f"Bearer {{KEY}}"}})
        raise RuntimeError(f"the service refused {{KEY}}")
    """


def forms(secret: str) -> list[str]:
    """Write the runs of a secret that may not be told, plain and encoded."""
    texts = [secret, base64.b64encode(secret.encode()).decode()]
    return [text[at : at + 12] for text in texts for at in range(len(text) - 11)]


@pytest.mark.parametrize("workers", [(), ("-p", "xdist.plugin", "-n", "2")], ids=["alone", "workers"])
def test_no_report_tells_one(suite: Suite, workers: tuple[str, ...]) -> None:
    pytest.importorskip("httpx")
    pytest.importorskip("jinja2")
    suite.write("test_it.py", SUITE)

    options = ("--replay-report=r.html", "--replay-report=r.json", "--junit-xml=r.xml", *workers)
    suite.record(*options).assert_outcomes(passed=1, failed=1)

    for name in ("r.html", "r.json", "r.xml"):
        written = (suite.root / name).read_text(encoding="utf-8")
        assert "test_in_the_url" in written
        assert [run for secret in (KEY, TOKEN) for run in forms(secret) if run in written] == []
    assert "the service refused [redacted]" in (suite.root / "r.json").read_text(encoding="utf-8")
