"""`upgrade`: what is not written as this version writes is written again, and says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay.errors import StorageError
from pytest_replay_storages.yaml import YamlStorage
from tests.cli.conftest import CASSETTES
from tests.cli.samples import everything

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pytest_replay.cassette import Cassette
    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run

EDITED = """--- # cassette
format: 1
recorded_at: 2026-11-21T08:57:38.123456Z
# put in by hand
--- # GET https://a.example/old
replies:
- {kind: http.response, status: 200, version: HTTP/1.1, reason: OK, headers: []}
request:
  kind: http.request
  url: "https://a.example/new"
  method: 'GET'
  headers: []
...
"""
UPGRADED = """--- # cassette
format: 1
recorded_at: 2026-11-21T08:57:38.123456Z
--- # GET https://a.example/new
request:
  kind: http.request
  url: https://a.example/new
  method: GET
  headers: []
replies:
- kind: http.response
  status: 200
  version: HTTP/1.1
  reason: OK
  headers: []
...
"""


def test_a_cassette_that_was_edited_is_written_as_a_recording_writes_it(
    run: Run, storage: Storage, tmp_path: Path
) -> None:
    tmp_path.joinpath("edited.yaml").write_text(EDITED, encoding="utf-8")
    storage.save(everything())

    ran = run("upgrade")

    assert (ran.status, ran.lines) == (0, ["edited: upgraded", "1 upgraded, 1 current"])
    assert tmp_path.joinpath("edited.yaml").read_text(encoding="utf-8") == UPGRADED
    assert run("upgrade").lines == ["2 current"]


def test_a_dry_run_only_tells(run: Run, tmp_path: Path) -> None:
    tmp_path.joinpath("edited.yaml").write_text(EDITED, encoding="utf-8")

    ran = run("upgrade", "--dry-run")

    assert ran.status == 0
    assert ran.lines == ["edited: stale", "1 stale", "  nothing was written; without --dry-run they are"]
    assert tmp_path.joinpath("edited.yaml").read_text(encoding="utf-8") == EDITED
    assert run("upgrade", "-n", "--json").json == {
        "schema": 1,
        "storage": "yaml:",
        "dry_run": True,
        "cassettes": [{"name": "edited", "outcome": "stale", "problem": None}],
    }


def test_the_checked_in_cassettes_are_current(run: Run) -> None:
    ran = run("upgrade", "--dry-run", root=CASSETTES)

    assert (ran.status, ran.out) == (0, f"{len(list(CASSETTES.rglob('*.yaml')))} current\n")


def test_one_that_cannot_be_read_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    broken = EDITED.replace("method: 'GET'", "method: 5")
    tmp_path.joinpath("broken.yaml").write_text(broken, encoding="utf-8")
    tmp_path.joinpath("edited.yaml").write_text(EDITED, encoding="utf-8")

    ran = run("upgrade")

    assert ran.status == 1
    assert ran.lines[0] == "broken: failed"
    assert "http.request has method: 5, which is a text" in ran.lines[1]
    assert ran.lines[-1] == "1 failed, 1 upgraded"
    assert tmp_path.joinpath("broken.yaml").read_text(encoding="utf-8") == broken


def test_one_that_cannot_be_written_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("edited.yaml").write_text(EDITED, encoding="utf-8")

    def save(_: YamlStorage, cassette: Cassette) -> None:
        raise StorageError(f"can't save {cassette.name}: this file system is read-only")

    monkeypatch.setattr(YamlStorage, "save", save)
    ran = run("upgrade")

    assert ran.status == 1
    assert ran.lines == ["edited: failed", "  can't save edited: this file system is read-only", "1 failed"]
