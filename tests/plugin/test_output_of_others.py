"""Output of others: what one test has sent or heard stays masked in what the run's other tests tell."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import said

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

SECRET = "Zk3vQ9xT7mW2pL8sRb5n"  # no secret, but one made up
CODED = "WnZrM3ZROXhUN21XMnBMOHNSYjVu"
KEY = """
    import base64, logging, sys, warnings
    import pytest
    from sdk import client

    PARTS = ["Zk3vQ9xT7mW2pL8s", "Rb5n"]

    def send():
        key = "".join(PARTS)
        client.send(client.build_request("GET", client.base_url.join("/a"), headers={"X-Api-Key": key}))
        return key
    """
SENDING = """
    @pytest.mark.replay
    def test_first():
        send()
    """
TELLING = """
    def test_second(record_property):
        key = "".join(PARTS)
        coded = base64.b64encode(f"me:{key}".encode())
        request = client.build_request("GET", client.base_url.join(f"/{key}"))
        print("printed", key)
        logging.getLogger().warning("logged %s", {"key": key})
        sys.stderr.write(f"half of it: {key[3:16]}\\n")
        warnings.warn(f"warned of {key}")
        record_property("key", key)
        record_property("bytes", key.encode())
        record_property("request", request)
        assert {"key": key, "coded": coded, "request": request} == {}
    """


@pytest.fixture
def telling(suite: Suite) -> Suite:
    suite.write("sdk.py", (suite.root / "sdk.py").read_text() + "\nclient = httpx.Client(base_url=URL)\n")
    suite.write("test_it.py", KEY + SENDING + TELLING)
    return suite


def leaks_of(text: str) -> list[str]:
    """Find what a text has of the secret, also where HTML has escaped it more than once."""
    texts = [text, html.unescape(text), html.unescape(html.unescape(text))]
    runs = [whole[at : at + 12] for whole in (SECRET, CODED) for at in range(len(whole) - 11)]
    return [run for run in runs if any(run in one for one in texts)]


@pytest.mark.parametrize("options", ["-l --full-trace -vv", "--tb=native -rA"])
def test_a_test_that_is_not_marked_tells_no_secret_of_another(telling: Suite, options: str) -> None:
    result = telling.record(*options.split(), "--junit-xml=report.xml", "-o", "junit_logging=all")

    result.assert_outcomes(passed=1, failed=1)
    assert leaks_of(said(result) + (telling.root / "report.xml").read_text()) == []
    assert "printed [redacted]" in said(result)
    assert "half of it: [redacted]" in said(result)
    assert "warned of [redacted]" in said(result)


def test_a_secret_that_replay_was_given_is_not_told_later(telling: Suite) -> None:
    telling.write("test_it.py", KEY + SENDING)
    telling.record().assert_outcomes(passed=1)
    telling.write("test_it.py", KEY + SENDING + TELLING)

    result = telling.replay("-rA")

    result.assert_outcomes(passed=1, failed=1)
    assert leaks_of(said(result)) == []
    assert "printed [redacted]" in said(result)


def test_what_failed_before_is_not_told_either(telling: Suite) -> None:
    """No cassette answers the first test: it was sent, all the same."""
    result = telling.run("-rA")

    result.assert_outcomes(failed=2)
    assert leaks_of(said(result)) == []
    assert "printed [redacted]" in said(result)


def test_a_fixture_of_wider_scope_tells_its_secrets_to_no_test(telling: Suite) -> None:
    fixture = """
    @pytest.fixture(scope="module", autouse=True)
    def session():
        yield send()

    @pytest.mark.replay
    def test_first(session):
        pass
    """
    telling.write("test_it.py", KEY + fixture + TELLING)

    result = telling.record("-rA")

    result.assert_outcomes(passed=1, failed=1)
    assert leaks_of(said(result)) == []


def test_a_worker_of_xdist_masks_before_it_reports(telling: Suite) -> None:
    telling.plugins.append("xdist.plugin")

    telling.write("test_it.py", KEY + SENDING + TELLING.replace('record_property("request", request)', ""))

    result = telling.record("-n1", "-rA", "--junit-xml=report.xml", "-o", "junit_logging=all")

    result.assert_outcomes(passed=1, failed=1)
    assert leaks_of(said(result) + (telling.root / "report.xml").read_text()) == []
    assert "printed [redacted]" in said(result)


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_the_report_of_pytest_html_tells_no_secret(telling: Suite, workers: str) -> None:
    telling.plugins += ["pytest_html.plugin", "pytest_metadata.plugin", "xdist.plugin"]
    telling.write("test_it.py", KEY + SENDING + TELLING.replace('record_property("request", request)', ""))
    telling.write(
        "conftest.py",
        """
        import pytest
        import pytest_html

        @pytest.hookimpl(hookwrapper=True, tryfirst=True)
        def pytest_runtest_makereport(item, call):
            outcome = yield
            report = outcome.get_result()
            key = "Zk3vQ9xT7mW2pL8s" + "Rb5n"
            report.extras = [pytest_html.extras.text(f"attached {key}"), pytest_html.extras.json({"key": key})]
        """,
    )

    result = telling.record(workers, "--html=report.html", "--self-contained-html", "-l")

    result.assert_outcomes(passed=1, failed=1)
    report = (telling.root / "report.html").read_text("utf-8")
    assert leaks_of(report) == []
    assert "printed [redacted]" in report
    assert "test_second" in report


def test_what_is_attached_to_a_report_of_pytest_html_is_masked(telling: Suite) -> None:
    telling.plugins += ["pytest_html.plugin", "pytest_html.fixtures", "pytest_metadata.plugin"]
    telling.write(
        "test_it.py",
        KEY
        + SENDING
        + """
    def test_second(extras):
        import pytest_html
        key = "".join(PARTS)
        extras += [pytest_html.extras.text(f"attached {key}"), pytest_html.extras.json({"key": key})]
    """,
    )

    telling.record("--html=report.html").assert_outcomes(passed=2)

    assets = "".join(path.read_text("utf-8") for path in (telling.root / "assets").iterdir())
    assert leaks_of((telling.root / "report.html").read_text("utf-8") + assets) == []
    assert "attached [redacted]" in assets
    assert '"key": "[redacted]"' in assets


def test_a_subtest_tells_no_secret(telling: Suite) -> None:
    telling.write(
        "test_it.py",
        KEY
        + SENDING
        + """
    import unittest

    class TestIt(unittest.TestCase):
        def test_second(self):
            key = "".join(PARTS)
            for number in range(2):
                with self.subTest(number=number):
                    assert key == number
    """,
    )

    result = telling.record("-l")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert leaks_of(said(result)) == []
    assert "[redacted]" in said(result)


def test_a_run_without_a_marked_test_is_told_as_it_is(telling: Suite) -> None:
    telling.write("test_it.py", KEY + TELLING)

    result = telling.run()

    assert f"printed {SECRET}" in said(result)
