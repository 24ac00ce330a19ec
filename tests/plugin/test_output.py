"""What a run tells holds no secret: assertion texts, locals, tracebacks, captured output, JUnit XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import said

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SECRET = "Zk3vQ9xT7mW2pL8sRb5n"  # no secret, but one made up
FAILING = """
    import base64, logging, sys
    import pytest
    from sdk import client

    @pytest.mark.replay
    def test_it(record_property):
        key = "Zk3vQ9xT7mW2pL8s" + "Rb5n"
        coded = base64.b64encode(f"me:{key}".encode())
        request = client.build_request("GET", client.base_url.join("/a"), headers={"X-Api-Key": key})
        client.send(request)
        print("printed", key)
        logging.getLogger().warning("logged %s", {"key": key})
        sys.stderr.write(f"half of it: {key[3:16]}\\n")
        record_property("key", key)
        assert {"key": key, "coded": coded} == {}
    """


@pytest.fixture
def failing(suite: Suite) -> Suite:
    suite.write("sdk.py", (suite.root / "sdk.py").read_text() + "\nclient = httpx.Client(base_url=URL)\n")
    suite.write("test_it.py", FAILING)
    return suite


@pytest.mark.parametrize("option", ["--tb=long", "-l", "--full-trace", "-vv", "--tb=native", "-rA"])
def test_no_report_tells_a_secret(failing: Suite, option: str) -> None:
    result = failing.record(option, "--junit-xml=report.xml", "-o", "junit_logging=all")

    result.assert_outcomes(failed=1)
    told = said(result) + (failing.root / "report.xml").read_text()
    runs = [SECRET[at : at + 12] for at in range(len(SECRET) - 11)]
    assert [run for run in runs if run in told] == []
    assert "WnZrM3ZROXhUN21XMnBMOHNSYjVu"[:12] not in told
    assert "printed [redacted]" in told
    assert "half of it: [redacted]" in told


def test_a_test_that_passes_is_masked_too(failing: Suite) -> None:
    failing.write("test_it.py", FAILING.replace("assert {", "assert 1 or {"))

    result = failing.record("-rP")

    result.assert_outcomes(passed=1)
    assert SECRET not in said(result)
    result.stdout.fnmatch_lines(["printed [[]redacted]"])


def test_what_no_cassette_answers_is_masked_too(failing: Suite) -> None:
    result = failing.run("-l")

    result.assert_outcomes(failed=1)
    assert SECRET not in said(result)
    result.stdout.fnmatch_lines(["key * = '[[]redacted]'"])
