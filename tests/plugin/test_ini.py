"""The ini names: each of the marker's words with `replay_` before it, in toml and in ini."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_replay.settings import NAMES

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

PYPROJECT = r"""
    [tool.pytest.ini_options]
    replay_mode = "once"
    replay_dir = "tapes"
    replay_storage = "yaml:"
    replay_match_on = ["header:accept", "headers"]
    replay_ignore = ["query:ts", "header:user-agent"]
    replay_redact = ["x-tenant"]
    replay_allow = ["cvv", "value:sk-known"]
    replay_unplayed = "warn"
    replay_clock = "recorded"
    replay_chunks = "exact"
    replay_network = ["10.0.0.0/8", "*.example.com:443"]
    replay_transports = ["sdk:Transport"]
    replay_symbols = ['order-\d{6}']
    replay_decoders = ["sdk:decode"]
    replay_file_limit = "128"
    """
INI = r"""
    [pytest]
    replay_mode = once
    replay_dir = tapes
    replay_storage = yaml:
    replay_match_on =
        header:accept
        headers
    replay_ignore =
        query:ts
        header:user-agent
    replay_redact = x-tenant
    replay_allow =
        cvv
        value:sk-known
    replay_unplayed = warn
    replay_clock = recorded
    replay_chunks = exact
    replay_network =
        10.0.0.0/8
        *.example.com:443
    replay_transports = sdk:Transport
    replay_symbols = order-\d{6}
    replay_decoders = sdk:decode
    replay_file_limit = 128
    """


@pytest.mark.parametrize(
    ("name", "text"), [("pyproject.toml", PYPROJECT), ("pytest.ini", INI)], ids=["toml", "ini"]
)
def test_every_setting_has_an_ini_name(suite: Suite, name: str, text: str) -> None:
    assert all(f"replay_{setting} =" in text for setting in NAMES)
    suite.write(name, text)
    suite.write(
        "sdk.py",
        (suite.root / "sdk.py").read_text()
        + "\nclass Transport(httpx.HTTPTransport): ...\ndef decode(message): ...\n",
    )
    suite.write(
        "test_it.py",
        r"""
        import pytest
        from sdk import get

        @pytest.mark.replay
        def test_settings(replay):
            settings = replay._session.settings
            assert replay.mode == "once"
            assert replay.cassette == "tapes/test_it/test_settings"
            assert settings.storage == "yaml:"
            assert settings.match_on == ("method", "url", "body", "header:accept", "headers")
            assert settings.ignore == ("query:ts", "header:user-agent")
            assert settings.redact == ("x-tenant",)
            assert settings.allow == ("cvv", "value:sk-known")
            assert settings.unplayed == "warn"
            assert settings.clock == "recorded"
            assert settings.chunks == "exact"
            assert settings.network == ("10.0.0.0/8", "*.example.com:443")
            assert settings.transports == ("sdk:Transport",)
            assert settings.symbols == (r"order-\d{6}",)
            assert settings.decoders == ("sdk:decode",)
            assert settings.file_limit == 128
            get("/a")
        """,
    )

    result = suite.run("--strict-config")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("replay: mode once, storage yaml:")
    assert suite.cassettes == {"tapes/test_it/test_settings.yaml": ["/a"]}


WRONG = """
    [pytest]
    replay_mode = sometimes
    replay_unplayed = error
    replay_chunks = some
    replay_clock = frozen
    replay_match_on = uri
    replay_ignore = body.x
    replay_redact = header:
    replay_allow = query:
    replay_network = http://x
    """


def test_wrong_values_stop_the_run_at_once_and_all_are_told(suite: Suite) -> None:
    suite.write("pytest.ini", WRONG)

    result = suite.run()

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: ini: allow: 'query:' is no path. Known: header:NAME, *",
            "ini: chunks='some' is not one of auto, exact",
            "ini: clock='frozen' is not one of real, recorded",
            "ini: ignore: 'body.x' is no path. Known: header:NAME, *",
            "ini: match_on: unknown matcher 'uri'. Known: method, url, *",
            "ini: mode='sometimes' is not one of none, once, new_episodes, all",
            "ini: network: 'http://x' is no host that a test could reach. Forms: *",
            "ini: redact: 'header:' is no path. Known: header:NAME, *",
            "ini: unplayed='error' is not one of fail, warn, ignore",
        ],
        consecutive=True,
    )


def test_what_has_to_be_loaded_is_checked_when_a_marked_test_is_found(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\nreplay_storage = nope:\nreplay_transports = nope:Nope\n")
    suite.write("test_it.py", "def test_unmarked(): pass\n")
    suite.run().assert_outcomes(passed=1)
    suite.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.replay(storage="yaml:")
        def test_marked():
            pass

        @pytest.mark.replay
        def test_marked_too():
            pass
        """,
    )

    result = suite.run()

    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*test_it.py::test_marked: transports: 'nope:Nope' can't be imported: *")
