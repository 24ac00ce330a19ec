"""Leaks: a cassette that would hold a secret is not saved, the test fails, and what was kept stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Suite

VALUE = "correct-horse-battery"
SENDING = f"""
    import pytest
    from sdk import get

    @pytest.mark.replay
    def test_it(replay):
        {{before}}
        get("/{VALUE}/x")
    """


def test_a_database_too_is_left_as_it_was(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write("test_it.py", SENDING.format(before="pass"))
    where = ("-o", "replay_storage=sqlite:///cassettes.db")
    suite.run("--record", *where).assert_outcomes(passed=1)
    monkeypatch.setenv("SERVICE_API_KEY", VALUE)

    result = suite.run("--record", *where)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines("*interaction 1, request, url, at *: the value of the environment variable *")
    monkeypatch.delenv("SERVICE_API_KEY")
    suite.run(*where).assert_outcomes(passed=1)


def test_the_value_of_a_secret_variable_is_not_saved(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.write("test_it.py", SENDING.format(before="pass"))
    suite.run("--record").assert_outcomes(passed=1)
    [(name, _)] = suite.cassettes.items()
    kept = (suite.root / name).read_bytes()
    monkeypatch.setenv("SERVICE_API_KEY", VALUE)

    result = suite.run("--record")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*cassettes/test_it/test_it was not saved: a secret would be in it",
            "*interaction 1, request, url, at *: the value of the environment variable SERVICE_API_KEY, plain",
        ]
    )
    assert (suite.root / name).read_bytes() == kept


def test_a_value_that_the_test_names_is_kept_off_the_tape(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_API_KEY", VALUE)
    suite.write("test_it.py", SENDING.format(before=f'assert replay.redact("{VALUE}")'))

    suite.run("--record").assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)

    assert list(suite.cassettes.values()) == [["/redacted-secret-1z/x"]]


def test_a_value_that_stands_anywhere_cannot_be_named(suite: Suite) -> None:
    suite.write("test_it.py", SENDING.format(before='replay.redact("short")'))

    result = suite.run("--record")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*SettingsError: replay.redact: fewer than 8 characters, or a common word*"])


@pytest.mark.parametrize("storage", ["yaml:", "sqlite:///cassettes.db"])
def test_what_looks_random_and_is_not_masked_is_listed_without_it(suite: Suite, storage: str) -> None:
    suite.write(
        "test_it.py",
        SENDING.format(
            before='get("/a?cursor=Zk3vQ9xT7mW2pL8sRb5n&id=3f0c8f3a-1d2b-4c5d-9e8f-7a6b5c4d3e2f")'
        ),
    )

    result = suite.run("--record", "-o", f"replay_storage={storage}")

    result.stdout.fnmatch_lines(
        [
            "replay: recorded as they are, and look random; if one is a secret, name it in `redact`:",
            "  cassettes/test_it/test_it: interaction 1, request, url, cursor, 20 characters at *",
        ]
    )
    result.stdout.no_fnmatch_line("*Zk3vQ9xT7mW2pL8sRb5n*")
    result.stdout.no_fnmatch_line("*interaction 2*")
