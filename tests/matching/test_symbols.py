"""Symbols: ids that are made anew in every run, told from literals, bound one to one, and rewritten everywhere."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.amqp_messages import publish
from fixtures.messages import json_request
from pytest_replay.errors import SettingsError
from pytest_replay.matching import Symbols
from pytest_replay.matching.symbols import Bindings, SymbolKey
from pytest_replay.messages import Message

if TYPE_CHECKING:
    from uuid import UUID

A, B, C, D = (letter * 32 for letter in "abcd")
UUID_A = "12345678-9abc-def0-1234-56789abcdef0"
REPLY_TO = "amq.rabbitmq.reply-to.g1h2AA1yZXBseUA5MjQ4ODg0AAAOsQAAAAJrAcI/.LTIWvyo7OLXv8dA0Sc9BcA=="


def key(*symbols: str) -> SymbolKey:
    return SymbolKey(("said",), symbols)


# Which are symbols


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (A, [A]),
        (A.upper(), [A.upper()]),
        (UUID_A, [UUID_A]),
        (UUID_A.upper(), [UUID_A.upper()]),
        (f"rpc.{A}.{UUID_A}", [A, UUID_A]),
        (f"{A}-{B}", [A, B]),
        (f"ctag3.{A}", [f"ctag3.{A}"]),
        (f"ctag17.{A}", [f"ctag17.{A}"]),
        ("amq.gen-XnB_1-jkVDj6CrC2SuRMKw", ["amq.gen-XnB_1-jkVDj6CrC2SuRMKw"]),
        ("amq.ctag-XnB_1-jkVDj6CrC2SuRMKw", ["amq.ctag-XnB_1-jkVDj6CrC2SuRMKw"]),
        (REPLY_TO, [REPLY_TO]),
        (f"to {REPLY_TO}.", [REPLY_TO]),
        ("amq.rabbitmq.reply-to", []),
        ("amq.rabbitmq.reply-to.g1h2.short", []),
        (f'{{"id": "{A}"}}', [A]),
        (f"x{A}y", [A]),
        ("a" * 31, []),
        ("a" * 33, []),
        ("a" * 64, []),
        (f"{UUID_A}0", [UUID_A]),
        (f"pre{UUID_A}", [UUID_A]),
        ("g" * 32, []),
        ("amq.topic", []),
        ("amq.gen-short", []),
        ("orders.created", []),
        ("", []),
    ],
)
def test_ids_that_are_made_anew_are_told_from_literals(text: str, found: list[str]) -> None:
    symbols = Symbols()

    assert symbols.find(text) == found
    assert symbols.find(text.encode()) == found


def test_a_pattern_of_the_users_is_found_as_the_usual_ones_are() -> None:
    symbols = Symbols([r"job-\d+", "run-[a-z]{3}|lap-[a-z]{3}"])

    assert symbols.find(f"job-17/run-abc/lap-xyz/{A}/job-x") == ["job-17", "run-abc", "lap-xyz", A]
    assert symbols.mask("job-17/run-abcd") == "<*>/<*>d"
    assert symbols.mask(b"job-17") == b"<*>"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (rf"id={A[0]}+", f"id={A}", [f"id={A}"]),
        (r"\d+", f"{UUID_A}/17", [UUID_A, "17"]),
        (r"\d+", "1" * 32, ["1" * 32]),
        ("[a-z]{4}", f"ctag1.{A} word", [f"ctag1.{A}", "word"]),
        (r"[0-9a-f]{32}-\d+", f"{A}-17/{B}", [f"{A}-17", B]),
        (r"\b", f"a {A}", [A]),
        (r"(?<=a)$", "a", []),
    ],
    ids=["begins before", "UUID", "digits", "consumer tag", "goes on", "empty", "empty at the end"],
)
def test_where_two_patterns_begin_the_longer_find_is_the_symbol(
    pattern: str, text: str, found: list[str]
) -> None:
    symbols = Symbols([pattern])

    assert symbols.find(text) == found
    assert symbols.find(text.encode()) == found
    assert symbols.key([text]).symbols == tuple(found)
    assert symbols.key([text.encode()]).symbols == tuple(found)
    names = dict.fromkeys(found, "new")
    assert symbols.rewrite(text, names) == str(symbols.mask(text)).replace("<*>", "new")


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("job-(", "symbols: 'job-(' is no regular expression: "),
        ("[z-a]", "symbols: '[z-a]' is no regular expression: "),
        (r"\d*", r"symbols: '\\d*' matches nothing at all, so everywhere"),
        ("", "symbols: '' matches nothing at all, so everywhere"),
    ],
)
def test_a_wrong_pattern_is_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(complaint)):
        Symbols(["ok-1", pattern])


@pytest.mark.parametrize(
    "patterns",
    [
        ["(?i)job-[a-z]+"],
        [r"\u017cid-\d+"],
        ["(?P<id>a1)", "(?P<id>b1)"],
        [r"(x)y", r"([ab])\1z"],
    ],
    ids=["flag", "escape", "same group", "backreference"],
)
def test_a_pattern_that_python_takes_is_taken_or_refused_by_name(patterns: list[str]) -> None:
    try:
        symbols = Symbols(patterns)
    except SettingsError as error:
        assert repr(patterns[-1]) in str(error)  # noqa: PT017
    else:
        for text in ("job-x", "JOB-X", "żid-7", "a1", "b1", "xy", "aaz", "abz"):
            expected = any(re.fullmatch(pattern, text) for pattern in patterns)
            assert (symbols.find(text) == [text]) is expected
            assert (symbols.find(text.encode()) == [text]) is expected


# Keys


def test_keys_are_equal_where_only_their_symbols_differ() -> None:
    symbols = Symbols()
    one, other = symbols.key([f"a {A}", f"b {B}".encode()]), symbols.key([f"a {C}", f"b {C}".encode()])

    assert one == other
    assert hash(one) == hash(other)
    assert (one.symbols, other.symbols) == ((A, B), (C, C))
    assert one != symbols.key([f"x {A}", f"b {B}".encode()])
    assert one != symbols.key([f"a {A}"])
    assert one != "a <*>"


def test_what_merely_looks_like_a_masked_symbol_has_fewer_symbols() -> None:
    symbols = Symbols()
    now, then = symbols.key(["a <*>"]), symbols.key([f"a {A}"])

    assert not Bindings().bind(now, then)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"a": "id-1 x"}, {"a": "id-2 x"}, True),
        ({"a": ["id-1", 5]}, {"a": ["id-2", 5]}, True),
        ({"id-1": 1, "b": 2}, {"b": 2, "id-7": 1}, True),
        ({"a": b"id-1"}, {"a": b"id-2"}, True),
        ({"a": b"id-1"}, {"a": "id-1"}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": "b"}, ["a", "b"], False),
        ({"a": "b"}, [["a", "b"]], False),
        ({"a": []}, {"a": {}}, False),
        ({"a": ["b", "c"]}, {"a": ["b"], "c": []}, False),
        ([["b"], "c"], [["b", "c"]], False),
        ({"a": None}, {"a": ""}, False),
        ({"a": None}, {}, False),
        ({"a": {1, 2}}, {"a": {1, 3}}, False),
    ],
    ids=str,
)
def test_what_stands_around_the_symbols_of_values_is_told_apart(
    one: object, other: object, *, alike: bool
) -> None:
    symbols = Symbols([r"^id-\d"])

    assert (symbols.key_of(one) == symbols.key_of(other)) is alike


def test_each_value_is_searched_by_itself() -> None:
    greedy, anchored = Symbols([r"id-\S+"]), Symbols([r"^id-\d$"])
    said = {"id-1": ["id-2", {"n": "id-3", "m": "no id-4"}], "b": b"id-5", "i": 6}

    assert greedy.key_of(said).symbols == ("id-1", "id-2", "id-4", "id-3", "id-5")
    assert anchored.key_of(said).symbols == ("id-1", "id-2", "id-3", "id-5")


# Bindings


def test_a_live_symbol_stands_for_the_same_recorded_one_throughout() -> None:
    bindings = Bindings()

    assert bindings.bind(key(A), key(B))
    assert bindings.bind(key(A, A), key(B, B))
    assert not bindings.bind(key(A), key(C))
    assert (bindings.recorded, bindings.live) == ({A: B}, {B: A})


def test_a_recorded_symbol_is_stood_for_by_one_only() -> None:
    bindings = Bindings()
    assert bindings.bind(key(A), key(B))

    assert not bindings.bind(key(C), key(B))
    assert not bindings.bind(key(C, D), key(D, D))
    assert not bindings.bind(key(C, C), key(C, D))


def test_what_is_refused_leaves_nothing_behind() -> None:
    bindings = Bindings()
    assert bindings.bind(key(A), key(B))

    assert not bindings.bind(key(C, A), key(D, D))

    assert bindings.bind(key(C), key(C))
    assert bindings.bind(key("e" * 32), key(D))
    assert bindings.recorded == {A: B, "e" * 32: D}


def test_a_symbol_that_stands_for_itself_is_bound_too() -> None:
    bindings = Bindings()

    assert bindings.bind(key(A), key(A))
    assert not bindings.bind(key(A), key(B))
    assert not bindings.bind(key(B), key(A))
    assert (bindings.recorded, bindings.live) == ({}, {})


def test_a_live_symbol_that_stands_on_the_tape_means_itself() -> None:
    bindings = Bindings()
    bindings.learn(key(A))
    bindings.learn(key(B))

    assert not bindings.bind(key(A), key(B))
    assert bindings.bind(key(B), key(B))
    assert bindings.bind(key(C), key(A))


def test_how_symbols_contradict_each_other_is_told() -> None:
    bindings = Bindings()
    bindings.learn(key(D))
    assert bindings.bind(key(A), key(B))

    assert bindings.contradictions(key(A), key(B)) == []
    assert bindings.contradictions(key(C), key(D)) == []
    assert bindings.contradictions(key(A, C, D), key(C, B, A)) == [
        f"id {A}: stands for {B} so far, recorded {C}",
        f"id: asked {C}, recorded {B}",
        f"id: asked {D}, recorded {A}",
    ]
    assert bindings.recorded == {A: B}


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), max_size=3)))
def test_bindings_are_one_to_one_and_never_change(said: list[list[tuple[str, str]]]) -> None:
    bindings = Bindings()
    before: dict[str, str] = {}
    for pairs in said:
        taken = bindings.bind(key(*(live for live, _ in pairs)), key(*(recorded for _, recorded in pairs)))
        fits = {**before, **dict(pairs)}
        consistent = (
            all(fits[live] == recorded for live, recorded in pairs) and fits.items() >= before.items()
        )
        assert taken == (consistent and len(set(fits.values())) == len(fits))
        before = fits if taken else before
        assert bindings.recorded == before
        assert bindings.live == {recorded: live for live, recorded in before.items()}


# Rewriting


def test_symbols_are_rewritten_in_plain_data_of_any_depth() -> None:
    data: dict[str, Any] = {
        A: [f"x{A}", (f"y{A}".encode(), 5, None, True, 1.5)],
        "b": {"c": B, "d": {"amqp:l": 7}},
    }

    assert Symbols().rewrite(data, {A: C}) == {
        C: [f"x{C}", (f"y{C}".encode(), 5, None, True, 1.5)],
        "b": {"c": B, "d": {"amqp:l": 7}},
    }


def test_two_names_that_are_exchanged_are_not_mixed_up() -> None:
    assert Symbols().rewrite(f"{A}{'-'}{B}", {A: B, B: A}) == f"{B}-{A}"


def test_part_of_a_longer_word_is_no_symbol_to_rewrite() -> None:
    assert Symbols().rewrite(f"{A}a", {A: C}) == f"{A}a"


def test_a_message_is_rewritten_in_fields_body_and_what_it_was_decoded_to() -> None:
    message = publish(b'{"id": "%s"}' % A.encode(), key=f"q.{A}", message_id=A, headers={"h": [A]})
    message = Message(message.kind, message.fields, message.body, {"id": A})

    rewritten = Symbols().rewrite_message(message, {A: C})

    assert rewritten == publish(b'{"id": "%s"}' % C.encode(), key=f"q.{C}", message_id=C, headers={"h": [C]})
    assert rewritten.decoded == {"id": C}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_body_is_rewritten_within_its_coding(coding: str) -> None:
    from pytest_replay.bodies import redo, undo  # noqa: PLC0415

    plain = b'{"id": "%s"}' % A.encode()
    coded = redo(plain, (coding,), like=gzip.compress(plain) if coding == "gzip" else b"")

    over_amqp = Symbols().rewrite_message(publish(coded, content_encoding=coding), {A: C})
    headers = [("content-encoding", coding)]
    over_http = Symbols().rewrite_message(
        Message("http.response", {"status": 200, "headers": headers}, coded), {A: C}
    )

    for rewritten in (over_amqp, over_http):
        assert undo(rewritten.body, (coding,)) == b'{"id": "%s"}' % C.encode()


def test_a_body_that_is_not_in_its_coding_is_rewritten_as_it_is() -> None:
    rewritten = Symbols().rewrite_message(publish(f"no gzip {A}".encode(), content_encoding="gzip"), {A: C})

    assert rewritten.body == f"no gzip {C}".encode()


def test_a_request_is_rewritten_in_url_headers_and_body() -> None:
    asked = json_request({"id": A}, f"/jobs/{A}?of={B}")

    assert Symbols().rewrite_message(asked, {A: C, B: D}) == json_request({"id": C}, f"/jobs/{C}?of={D}")


SPACED = b'{"order" :"id-1","x":1.0,\n "of": ["id-1 ", "\\u00e9 id-1", "a\\/b"], "id-1": {}}'
SPACED_ANEW = b'{"order" :"id-2","x":1.0,\n "of": ["id-1 ", "\\u00e9 id-1", "a\\/b"], "id-2": {}}'


@pytest.mark.parametrize(
    ("pattern", "body", "anew"),
    [
        (r"^id-\d$", SPACED, SPACED_ANEW),
        (r"id-\S+", b'{"order": "id-1", "x": 1}', b'{"order": "id-2", "x": 1}'),
        (r"id-\S+", b'["\\u00e9 id-1"]', b'["\\u00e9 id-2"]'),
        (r"id-\S+", '["é id-1"]'.encode(), '["é id-2"]'.encode()),
        (r"id-\S+", b'["id-1\\"x"]', b'["id-1\\"x"]'),
        (r"id-\S+", '["id-1"]'.encode("utf-16"), '["id-1"]'.encode("utf-16")),
        (r"id-\d", b'{"id": "id-1"', b'{"id": "id-2"'),
        (r"^id-\d$", b"id-1", b"id-2"),
        (r"^id-\d$", b"an id-1", b"an id-1"),
        (r"^id-\d$", b"\xff id-1", b"\xff id-1"),
    ],
    ids=[
        "anchored",
        "greedy",
        "escapes",
        "no escapes",
        "quoted",
        "UTF-16",
        "broken",
        "text",
        "in text",
        "bytes",
    ],
)
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_body_is_rewritten_value_by_value_and_else_to_the_byte(
    pattern: str, body: bytes, anew: bytes, coding: str
) -> None:
    said, expected = body, anew
    properties: dict[str, Any] = {}
    if coding:
        said, expected = (gzip.compress(it, mtime=0) for it in (body, anew))
        properties = {"content_encoding": coding}

    rewritten = Symbols([pattern]).rewrite_message(publish(said, **properties), {"id-1": "id-2"})

    assert (gzip.decompress(rewritten.body) if coding else rewritten.body) == anew
    assert coding or rewritten.body == expected


def test_json_that_is_no_utf_8_is_rewritten_as_it_is() -> None:
    body = "[1]".encode("utf-16")
    said = publish(body, content_type="application/json")

    assert Symbols([r"^id-\d$"]).rewrite_message(said, {"id-1": "id-2"}) == said


def test_a_form_is_rewritten_value_by_value() -> None:
    symbols = Symbols([r"id-\S+"])
    form = publish(b"of=id-1&x=1&to=a+%C3%A9", content_type="application/x-www-form-urlencoded")

    assert symbols.rewrite_message(form, {"id-1": "id 2"}).body == b"of=id+2&x=1&to=a+%C3%A9"


@pytest.mark.parametrize("pattern", [r"id-\S+", r"^id-\d$"], ids=["greedy", "anchored"])
def test_a_url_is_rewritten_piece_by_piece(pattern: str) -> None:
    asked = json_request({"of": "id-1", "n": 1}, "/jobs/id-1/state?of=id-1&n=1")

    rewritten = Symbols([pattern]).rewrite_message(asked, {"id-1": "id-2"})

    assert rewritten == json_request({"of": "id-2", "n": 1}, "/jobs/id-2/state?of=id-2&n=1")


def test_a_name_that_is_no_latin_is_rewritten_in_bodies_too() -> None:
    symbols = Symbols([r"user-\w+"])
    bindings = Bindings()
    assert bindings.bind(symbols.key(["user-łó"]), symbols.key(["user-ab"]))

    rewritten = symbols.rewrite_message(publish(b"for user-ab!", key="user-ab"), bindings.live)

    assert rewritten == publish("for user-łó!".encode(), key="user-łó")


@given(
    st.lists(st.uuids(), max_size=4, unique=True), st.lists(st.uuids(), min_size=4, max_size=4, unique=True)
)
def test_what_is_rewritten_there_and_back_is_the_same(recorded: list[UUID], live: list[UUID]) -> None:
    symbols = Symbols()
    said = publish(" ".join(map(str, recorded)).encode(), key=".".join(it.hex for it in recorded))
    bindings = Bindings()
    names = [(it.hex, its.hex) for it, its in zip(recorded, live, strict=False)]
    names += [(str(it), str(its)) for it, its in zip(recorded, live, strict=False)]
    assert bindings.bind(key(*(now for _, now in names)), key(*(then for then, _ in names)))

    there = symbols.rewrite_message(said, bindings.live)

    assert symbols.rewrite_message(there, bindings.recorded) == said
    assert symbols.find(there.body) == [str(its) for _, its in zip(recorded, live, strict=False)]
