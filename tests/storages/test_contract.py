"""What every storage that saves keeps to, whatever it is made of."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.databases import SERVERS
from fixtures.storages import URLS
from pytest_replay.cassette import Cassette, Header, MemoryTape, Start
from pytest_replay.errors import SettingsError, StorageError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.storage import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fixtures.storages import Place
    from pytest_replay.messages import Plain
    from pytest_replay.storage import Storage

FOREIGN = {"gracy", "har", "vcr"}
"""What other tools make is under a contract of its own: test_foreign.py."""

NAME = "tests/cassettes/test_api/TestUsers.test_get[42]"
HEADER = Header(
    datetime(2026, 11, 21, 8, 57, 38, 123456, UTC),
    {"httpx": "0.28.1"},
    {"match_on": ["url"]},
    placeholders=("redacted-sig-0z", "redacted-password-1z"),
)


def test_every_storage_that_is_installed_is_under_contract() -> None:
    assert {driver.name for driver in entry_points(group=GROUP)} == {*URLS, *SERVERS} | FOREIGN


@pytest.fixture
def storage(place: Place) -> Iterator[Storage]:
    with place.opened() as storage:
        yield storage


def get(number: int, body: bytes = b"", **fields: Plain) -> tuple[str, Interaction]:
    return answered(number, Message("http.response", fields, body))


def answered(number: int, response: Message) -> tuple[str, Interaction]:
    url = f"https://api.example.com/{number}"
    request = Message("http.request", {"method": "GET", "url": url})
    return f"GET {url}", Interaction(request, (Reply(response),))


def cassette(*interactions: tuple[str, Interaction], name: str = NAME) -> Cassette:
    return Cassette(name, HEADER, MemoryTape(interactions))


def saved(storage: Storage, given: Cassette) -> Cassette:
    storage.save(given)
    again = storage.load(given.name)
    assert again is not None
    return again


def exact(interactions: Iterable[tuple[str, Interaction]]) -> str:
    """Tell 1 from True and from 1.0, and a tuple from a list, which `==` of plain data does only in part."""
    return repr(list(interactions))


def test_what_is_not_there_loads_as_none(storage: Storage) -> None:
    assert storage.load(NAME) is None
    assert list(storage.names()) == []


def test_a_cassette_loads_as_it_was_saved(storage: Storage) -> None:
    given = cassette(get(1, b'{"a":1}', status=200), get(2, b"\x00\xff"), get(1, status=500))

    again = saved(storage, given)

    assert again.name == NAME
    assert again.header == HEADER
    assert exact(again) == exact(given)


def test_a_cassette_may_be_empty(storage: Storage) -> None:
    assert list(saved(storage, cassette())) == []


def test_a_recording_on_a_clock_keeps_what_that_started_with(storage: Storage) -> None:
    route, said = get(1)
    timed = replace(HEADER, start=Start("Europe/Berlin", 4711), runs=2)

    again = saved(storage, Cassette(NAME, timed, MemoryTape([(route, replace(said, at=0.0)), get(2)])))

    assert again.header == timed
    assert [again.tape.read(position).at for position in range(2)] == [0.0, None]


def test_a_tape_knows_its_routes_and_positions(storage: Storage) -> None:
    tape = saved(storage, cassette(get(1), get(2), get(1))).tape

    one, two = "GET https://api.example.com/1", "GET https://api.example.com/2"
    assert len(tape) == 3
    assert list(tape.routes()) == [one, two]
    assert (list(tape.positions(one)), list(tape.positions(two))) == ([0, 2], [1])
    assert list(tape.positions("GET elsewhere")) == []
    assert [tape.route(position) for position in range(3)] == [one, two, one]
    assert tape.read(2) == tape.read(0) == get(1)[1]


def test_saving_replaces_the_whole_cassette(storage: Storage) -> None:
    storage.save(cassette(get(1), get(2)))

    assert exact(saved(storage, cassette(get(3)))) == exact([get(3)])


def test_what_was_loaded_can_be_saved_under_another_name(storage: Storage) -> None:
    again = saved(storage, cassette(get(1, b"body"), get(2)))

    copy = saved(storage, replace(again, name="other"))

    assert exact(copy) == exact(again)
    assert list(storage.names()) == ["other", NAME]


def test_a_removed_cassette_is_gone(storage: Storage) -> None:
    storage.save(cassette(get(1)))
    storage.save(cassette(get(1), name="stays"))

    storage.remove(NAME)

    assert storage.load(NAME) is None
    assert list(storage.names()) == ["stays"]
    with pytest.raises(KeyError):
        storage.remove(NAME)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../climbs", "a/../../climbs", "a//b", "a/", "./a", "a\\b", "a\0b"]
)
def test_a_name_that_is_no_plain_path_is_refused(storage: Storage, name: str) -> None:
    for act in (storage.load, storage.remove, lambda name: storage.save(cassette(name=name))):
        with pytest.raises(SettingsError, match="is no name of a cassette"):
            act(name)


def test_names_are_told_apart_exactly(storage: Storage) -> None:
    names = ["a", "A", "a ", "á", "a\u0301", "ß", "ss", "a/b", "a%", "a_", "/".join(["n" * 109] * 12)]
    if sys.platform != "linux":  # elsewhere, disks take some of these for the same
        names = ["a", "ß", "a/b", "a%", "a_"]
    for number, name in enumerate(names):
        storage.save(cassette(get(number), name=name))

    assert sorted(storage.names()) == sorted(names)
    for number, name in enumerate(names):
        assert exact(storage.load(name) or ()) == exact([get(number)])
        storage.remove(name)
        assert storage.load(name) is None
    assert list(storage.names()) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"when": datetime(2026, 11, 21, tzinfo=UTC)},
        {"deep": [{"set": {1}}]},
        {"key": {1: 2}},
        {"text": "\ud800"},
    ],
    ids=["datetime", "set", "key", "surrogate"],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(
    storage: Storage, fields: Mapping[str, Plain]
) -> None:
    storage.save(cassette(get(1)))

    with pytest.raises(StorageError, match="can't save"):
        storage.save(cassette(answered(1, Message("http.response", fields))))

    assert exact(storage.load(NAME) or ()) == exact([get(1)])


TEXTS = st.text() | st.text(
    " \t\n\r:#-'\"{}[],&*!|>%@`?~=\\$\x00\x7f\x85\xa0\u2028\u202e\ufeff\U0001f600éab01.e+_"
)
WORDS = st.sampled_from(
    (
        *(
            "null",
            "true",
            "True",
            "yes",
            "no",
            "on",
            "~",
            "=",
            "<<",
            "0",
            "-0",
            "007",
            "0o7",
            "0x1f",
            "1_000",
        ),
        *("1e3", "12:30:00", "1.0", ".5", ".inf", "2026-11-21", "-", "--", "---", "...", "$x", "$$x"),
    )
)
FLOATS = st.floats() | st.sampled_from([1e-07, 1e16, 1.5e300, -0.0])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS | WORDS | st.binary(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(TEXTS | WORDS, inner),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["headers", "json", "text", "raw", "kind", "delay", "after", "fields", "$bytes", "$plain"]
)
HEADERS = st.lists(st.tuples(*[st.sampled_from(["", "Name", "a: b", "x:", " ", "é"]) | TEXTS] * 2))
CONTENT = st.sampled_from(["application/json", "text/plain; charset=latin-1", "application/octet-stream"])
BODIES = (
    st.binary()
    | TEXTS.map(str.encode)
    | st.sampled_from([b'{"a":[1,{}]}', b'{"a": "\xc3\xa9"}\n', b"data: 1\n\n"])
)
HTTP = st.builds(
    Message,
    kind=st.sampled_from(["http.request", "http.response"]),
    fields=st.fixed_dictionaries(
        {"headers": HEADERS | CONTENT.map(lambda said: [("content-type", said)])}, optional={"status": PLAIN}
    ),
    body=BODIES,
)
OTHER = st.builds(
    Message,
    kind=TEXTS.map("amqp.".__add__) | TEXTS | WORDS,
    fields=st.fixed_dictionaries({"headers": PLAIN})
    | st.dictionaries(NAMES | TEXTS | WORDS, PLAIN, max_size=4),
    body=BODIES,
)
MESSAGES = HTTP | OTHER
REPLIES = st.builds(
    Reply,
    message=MESSAGES,
    after=st.just((0,)) | st.lists(st.integers(0, 9)).map(tuple),
    delay=st.floats(0, 1e9, allow_nan=False),
)
INTERACTIONS = st.builds(
    Interaction,
    MESSAGES,
    st.lists(REPLIES, max_size=3).map(tuple),
    st.none() | st.floats(0, 1e9, allow_nan=False),
)
STARTS = st.builds(
    Start, TEXTS | WORDS | st.sampled_from(["Europe/Berlin", "<+0530>-5:30"]), st.integers(0, 2**32)
)


def test_a_number_may_be_longer_than_python_prints(storage: Storage) -> None:
    numbers: list[Plain] = [sign * number for number in (10**600, 2**2048, 7**9999) for sign in (1, -1)]

    again = saved(storage, cassette(get(1, numbers=numbers)))

    assert again.tape.read(0).replies[0].message.fields["numbers"] == numbers


@pytest.mark.parametrize("length", [900, 1023, 1024, 5000])
def test_a_key_may_be_long(storage: Storage, length: int) -> None:
    fields: dict[str, Plain] = {
        "k" * length: 1,
        "nested": [{"\n" * length: {"deep": ["x"]}}],
        "lists": [[{"a" * length: []}]],
    }
    given = cassette(answered(1, Message("http.response", fields)))

    assert exact(saved(storage, given)) == exact(given)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    interactions=st.lists(st.tuples(TEXTS | WORDS, INTERACTIONS), max_size=3),
    header=st.builds(
        Header,
        st.datetimes().map(lambda time: time.replace(tzinfo=UTC, fold=0)),
        st.dictionaries(TEXTS, TEXTS | WORDS, max_size=2),
        st.dictionaries(TEXTS, PLAIN, max_size=2),
        st.none() | STARTS,
        st.integers(1, 99),
    ),
)
def test_every_cassette_loads_as_it_was_saved(
    storage: Storage, interactions: list[tuple[str, Interaction]], header: Header
) -> None:
    given = Cassette("generated", header, MemoryTape(interactions))

    again = saved(storage, given)

    assert exact(again) == exact(given)
    assert repr(again.header) == repr(header)
