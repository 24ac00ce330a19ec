"""`convert`: cassettes go from one storage to another whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.cli.copying import copy
from pytest_replay.cli.project import Project
from pytest_replay.errors import StorageError
from pytest_replay.messages import Interaction, Message
from pytest_replay.settings import Settings
from tests.cli.conftest import CASSETTES
from tests.cli.samples import answered, cassette_of, everything, get, post

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_replay.storage import Storage
    from tests.cli.conftest import Run

A, B = (get(path, answered(200, b"{}")) for path in "ab")


class Shelf:
    """A storage in memory, which may lose something, or refuse it."""

    def __init__(self, *, loses_times: bool = False, refuses: str = "") -> None:
        self.kept: dict[str, Cassette] = {}
        self._loses_times = loses_times
        self._refuses = refuses

    def load(self, name: str) -> Cassette | None:
        return self.kept.get(name)

    def save(self, cassette: Cassette) -> None:
        if any(self._refuses and self._refuses in route for route, _ in cassette):
            raise StorageError(f"can't save {cassette.name}: full")
        tape = [(route, self._kept(interaction)) for route, interaction in cassette]
        self.kept[cassette.name] = Cassette(cassette.name, cassette.header, MemoryTape(tape))

    def names(self) -> Iterable[str]:
        return sorted(self.kept)

    def remove(self, name: str) -> None:
        del self.kept[name]

    def _kept(self, interaction: Interaction) -> Interaction:
        if not self._loses_times:
            return interaction
        return Interaction(interaction.request, interaction.replies)


def test_a_suite_goes_there_and_back_byte_for_byte(run: Run, tmp_path: Path) -> None:
    there = run("convert", f"yaml:{CASSETTES}", "yaml:there")
    back = run("convert", "yaml:there", "yaml:back")

    count = len(list(CASSETTES.rglob("*.yaml")))
    assert (there.status, there.err) == (0, "")
    assert (there.out, back.out) == (
        f"{count} converted, in yaml:there\n",
        f"{count} converted, in yaml:back\n",
    )
    there_files, back_files = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.yaml")}
        for folder in (tmp_path / "there", tmp_path / "back")
    )
    assert there_files == back_files


def test_those_that_are_named_go(run: Run, storage: Storage, tmp_path: Path) -> None:
    for name in ("from/a/one", "from/b/two"):
        storage.save(cassette_of([A], name=name))

    ran = run("convert", "yaml:from", "yaml:to", "b", "--json")

    assert ran.json == {
        "schema": 1,
        "from": "yaml:from",
        "to": "yaml:to",
        "cassettes": [{"name": "b/two", "outcome": "converted", "problem": None}],
    }
    assert [path.name for path in tmp_path.glob("to/**/*.yaml")] == ["two.yaml"]


def test_what_is_there_as_it_is_stays(run: Run, storage: Storage) -> None:
    storage.save(cassette_of([A], name="from/one"))

    run("convert", "yaml:from", "yaml:to")

    assert run("convert", "yaml:from", "yaml:to").out == "1 unchanged, in yaml:to\n"


def test_another_one_of_the_name_is_replaced_only_when_told_to(
    run: Run, storage: Storage, tmp_path: Path
) -> None:
    storage.save(cassette_of([A, B], name="from/one"))
    storage.save(cassette_of([B, A], name="to/one"))
    before = tmp_path.joinpath("to/one.yaml").read_bytes()

    kept = run("convert", "yaml:from", "yaml:to")

    assert kept.status == 1
    assert kept.lines == [
        "one: kept",
        "  the target has another one of this name, which differs in interaction 1 (GET https://shop.example/a)",
        "1 kept, in yaml:to",
        "  to replace those that were kept: --overwrite",
    ]
    assert tmp_path.joinpath("to/one.yaml").read_bytes() == before

    replaced = run("convert", "yaml:from", "yaml:to", "--overwrite")

    assert (replaced.status, replaced.out) == (0, "1 replaced, in yaml:to\n")
    same = tmp_path.joinpath("from/one.yaml").read_bytes()
    assert tmp_path.joinpath("to/one.yaml").read_bytes() == same


def test_one_that_cannot_be_read_is_told_and_stops_no_other(
    run: Run, storage: Storage, tmp_path: Path
) -> None:
    storage.save(cassette_of([A], name="from/one"))
    tmp_path.joinpath("from/broken.yaml").write_text("--- # cassette\nformat: 1\n", encoding="utf-8")

    ran = run("convert", "yaml:from", "yaml:to")

    assert ran.status == 1
    assert ran.lines[0] == "broken: failed"
    assert "the file was cut short" in ran.lines[1]
    assert ran.lines[-1] == "1 failed, 1 converted, in yaml:to"


def test_one_that_breaks_off_is_not_taken_for_one_of_the_target(
    run: Run, storage: Storage, tmp_path: Path
) -> None:
    storage.save(cassette_of([A, B], name="to/one"))
    text = tmp_path.joinpath("to/one.yaml").read_text(encoding="utf-8")
    tmp_path.joinpath("from").mkdir()
    broken = text.replace("url: https://shop.example/b", "url: 5")
    tmp_path.joinpath("from/one.yaml").write_text(broken, encoding="utf-8")

    ran = run("convert", "yaml:from", "yaml:to", "--overwrite")

    assert ran.status == 1
    assert ran.lines[1].startswith("  one: interaction 2 of 2 (GET https://shop.example/b): ")
    assert tmp_path.joinpath("to/one.yaml").read_text(encoding="utf-8") == text


def test_a_broken_one_in_the_target_is_never_replaced(run: Run, storage: Storage, tmp_path: Path) -> None:
    storage.save(cassette_of([A], name="from/one"))
    broken = tmp_path / "to/one.yaml"
    broken.parent.mkdir()
    broken.write_text("--- # cassette\nformat: 1\n", encoding="utf-8")

    ran = run("convert", "yaml:from", "yaml:to", "--overwrite")

    assert ran.status == 1
    assert ran.lines[1] == "  the target has one of this name that can't be read"
    assert broken.read_text(encoding="utf-8") == "--- # cassette\nformat: 1\n"


def test_what_the_target_cannot_keep_whole_is_not_kept() -> None:
    shelf = Shelf(loses_times=True)

    copied = copy(everything(), shelf, overwrite=False, lossy=False)

    assert (copied.outcome, copied.arrived, shelf.kept) == ("failed", False, {})
    assert copied.problem == (
        "the target can't keep it as it is: it would differ in interaction 1 (CONNECT amqp://broker.example/shop)\n"
        "  to keep what it can hold: --lossy"
    )


def test_what_it_would_have_replaced_is_put_back() -> None:
    shelf, name = Shelf(loses_times=True), everything().name
    shelf.kept[name] = cassette_of([A], name=name)

    copied = copy(everything(), shelf, overwrite=True, lossy=False)

    assert copied.outcome == "failed"
    assert list(shelf.kept[name]) == list(cassette_of([A], name=name))


def test_what_cannot_be_undone_is_told() -> None:
    class Jammed(Shelf):
        def remove(self, name: str) -> None:
            raise StorageError(f"can't remove {name}")

    copied = copy(everything(), Jammed(loses_times=True), overwrite=False, lossy=False)

    assert copied.problem is not None
    assert f", and that could not be undone\ncan't remove {everything().name}\n" in copied.problem


def test_secrets_are_masked_on_the_way_where_one_asks_for_it(
    run: Run, storage: Storage, tmp_path: Path
) -> None:
    tmp_path.joinpath("from").mkdir()
    storage.save(cassette_of([post(b'{"pin":"x"}', authorization="Bearer s3cret")], name="from/one"))
    storage.save(cassette_of([], name="from/none"))

    as_it_is = run("convert", "yaml:from", "yaml:to")
    without = run("convert", "yaml:from", "yaml:masked", "--mask")

    assert (as_it_is.status, without.status) == (0, 0)
    assert "s3cret" in tmp_path.joinpath("to/one.yaml").read_text(encoding="utf-8")
    text = tmp_path.joinpath("masked/one.yaml").read_text(encoding="utf-8")
    assert "authorization: Bearer redacted-authorization-1z" in text
    assert "s3cret" not in text
    assert run("check", "--storage", "yaml:masked").status == 0


def test_what_masking_leaves_of_a_secret_does_not_arrive(
    run: Run, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the environment keeps secret is told by no rule: it is refused, as in a recording."""
    monkeypatch.setenv("SHOP_API_KEY", "correct-horse-battery")
    storage.save(cassette_of([post(b"correct-horse-battery")], name="from/one"))

    ran = run("convert", "yaml:from", "yaml:masked", "--mask")

    assert ran.status == 1
    assert "interaction 1, request, body, at 0: the value of the environment variable SHOP_API_KEY" in ran.out
    assert not tmp_path.joinpath("masked").exists()


def test_the_header_lists_what_was_masked_on_the_way(run: Run, storage: Storage, tmp_path: Path) -> None:
    storage.save(cassette_of([post(b"{}", authorization="Bearer s3cret")], name="from/one"))

    assert run("convert", "yaml:from", "yaml:masked", "--mask").status == 0

    text = tmp_path.joinpath("masked/one.yaml").read_text(encoding="utf-8")
    header, _, _ = text.partition("--- # POST")
    assert "redacted-authorization-1z" in header


def test_what_is_allowed_is_not_masked_on_the_way(
    run: Run, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.save(cassette_of([post(b'{"password":"s3cret"}')], name="from/one"))
    project = Project(tmp_path, Settings().updated({"allow": ["password"]}, source="test"))
    monkeypatch.setattr("pytest_replay.cli.commands.convert.project_of", lambda *_: project)

    assert run("convert", "yaml:from", "yaml:masked", "--mask").status == 0

    assert "s3cret" in tmp_path.joinpath("masked/one.yaml").read_text(encoding="utf-8")


def test_a_target_that_loses_something_may_be_allowed_to() -> None:
    shelf = Shelf(loses_times=True)

    copied = copy(everything(), shelf, overwrite=False, lossy=True)

    assert (copied.outcome, copied.arrived) == ("altered", True)
    assert copied.problem is not None
    assert "interaction 1 (CONNECT amqp://broker.example/shop)" in copied.problem
    assert list(shelf.kept) == [everything().name]


def test_what_the_target_refuses_leaves_it_as_it_was() -> None:
    shelf = Shelf(refuses="/b")
    shelf.kept["one"] = there = cassette_of([A], name="one")

    copied = copy(cassette_of([B], name="one"), shelf, overwrite=True, lossy=True)

    assert (copied.outcome, copied.problem) == ("failed", "can't save one: full")
    assert shelf.kept == {"one": there}


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), ((1,), [1])], ids=["bool", "float", "list"])
def test_the_copy_is_the_same_in_its_types(one: object, other: object) -> None:
    shelf, outcomes = Shelf(), []
    for value in (one, other):
        request = Message("http.request", {"method": "GET", "url": "https://a.example/", "is": value})
        copied = copy(cassette_of([Interaction(request)]), shelf, overwrite=False, lossy=False)
        outcomes.append(copied.outcome)
    assert outcomes == ["converted", "kept"]


def test_nothing_to_convert_is_an_error(run: Run, tmp_path: Path) -> None:
    ran = run("convert", "yaml:nowhere", "yaml:to")

    assert ran.status == 2
    assert ran.err == f"Error: there is no cassette in yaml:nowhere ({tmp_path}), so nothing was converted\n"


def test_a_storage_is_not_converted_to_itself(run: Run) -> None:
    assert "Error: FROM and TO are the same" in run("convert", "yaml:", "yaml:").err


def test_an_unknown_storage_is_an_error(run: Run) -> None:
    ran = run("convert", "yaml:", "tape:x")

    assert ran.status == 2
    assert ran.err.startswith("Error: storage: no storage is installed for 'tape:x'. Known: ")
