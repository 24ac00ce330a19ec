"""Hosts that the network rules name are reached past the tape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.plugin.conftest import said

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SOURCE = """
    import http.server
    import threading
    import pytest
    from sdk import get, httpx

    class Here(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

    @pytest.fixture
    def here():
        with http.server.HTTPServer(("127.0.0.1", 0), Here) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield f"127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()

    @pytest.fixture
    def replay_config(here):
        return {"network": [here]}

    @pytest.mark.replay
    def test_it(here):
        assert get("/service") == "1"
        with httpx.Client() as client:
            assert client.get(f"http://{here}/").status_code == 204

    @pytest.mark.replay
    @pytest.mark.anyio
    async def test_async(here, anyio_backend):
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://{here}/")).status_code == 204
    """


def test_a_named_host_is_neither_recorded_nor_replayed(suite: Suite) -> None:
    suite.plugins.append("anyio")
    suite.write("test_it.py", SOURCE)

    suite.record().assert_outcomes(passed=2)
    result = suite.replay()

    result.assert_outcomes(passed=2)
    assert suite.cassettes == {"cassettes/test_it/test_it.yaml": ["/service"]}
    assert "0 missed" in said(result)
