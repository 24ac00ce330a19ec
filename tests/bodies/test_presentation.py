"""The readable form of a body, and back, byte for byte."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import brotli
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_replay.bodies import BodyError, Media, present, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_replay.messages import Plain

UNIX = bytes.fromhex("1f8b0800000000000003")
GZIPPED = UNIX + zlib.compress(b'{"a":1}', wbits=-15) + gzip.compress(b'{"a":1}')[-8:]
BROTLI = bytes.fromhex("8b01807465787403")
PRETTY = '{\n  "a": 1\n}\n'


@pytest.mark.parametrize(
    ("body", "media", "shown"),
    [
        (b"", Media("application/json"), {}),
        (b'{"a":1}', Media("application/json"), {"json": PRETTY}),
        (b'{"a":1}\n', Media(), {"json": PRETTY, "layout": "newline"}),
        (b'{"a": 1, "b": 2}', Media(), {"json": '{\n  "a": 1,\n  "b": 2\n}\n', "layout": "spaced"}),
        (b"{}", Media(), {"json": "{}"}),
        (b'[[],{"a":{}}]', Media(), {"json": '[\n  [],\n  {\n    "a": {}\n  }\n]\n'}),
        (rb'["\u00e9\ud83d\ude00"]', Media(), {"json": '[\n  "é😀"\n]\n', "layout": "ascii"}),
        (rb'["\u00e9\u200b\ud800\u0041"]', Media(), {
            "json": '[\n  "é\\u200b\\ud800\\u0041"\n]\n', "layout": "ascii"
        }),
        (rb'["\u00E9"]', Media(), {"json": '[\n  "\\u00E9"\n]\n'}),
        (rb'["\\u00e9"]', Media(), {"json": '[\n  "\\\\u00e9"\n]\n'}),
        ('["é"]'.encode(), Media(), {"json": '[\n  "é"\n]\n'}),
        (rb'[1.10,1E400,"\/\u003c",{"a":1,"a":2}]', Media(), {
            "json": '[\n  1.10,\n  1E400,\n  "\\/\\u003c",\n  {\n    "a": 1,\n    "a": 2\n  }\n]\n'
        }),
        (rb'{"a\\":"\"{,: []}\\"}', Media(), {"json": '{\n  "a\\\\": "\\"{,: []}\\\\"\n}\n'}),
        (b'{"a" :1}', Media(), {"text": '{"a" :1}'}),
        (b'{\n "a": 1\n}', Media("application/json"), {"text": '{\n "a": 1\n}'}),
        (b"[" * 200 + b"]" * 200, Media(), {"text": "[" * 200 + "]" * 200}),
        (b"[" * 100_000, Media(), {"text": "[" * 100_000}),
        (b'"scalar"', Media("application/json"), {"text": '"scalar"'}),
        (b"{broken", Media("application/json"), {"text": "{broken"}),
        (b"a\r\nb\r\n", Media(), {"text": "a\nb\n", "layout": "crlf"}),
        (b"a\rb\r\n", Media(), {"text": "a\rb\r\n"}),
        ("é".encode(), Media("text/plain", "iso-8859-1"), {"text": "é"}),
        (b"\xe9", Media("text/plain", "iso-8859-1"), {"text": "é", "charset": "iso-8859-1"}),
        (b"\xe9", Media("text/plain", "no-such-charset"), {"base64": "6Q=="}),
        *(
            (b"\xe9", Media("text/plain", charset), {"base64": "6Q=="})
            for charset in ("punycode", "idna", "unicode_escape", "undefined", "hex", "a\0b")
        ),
        (b"\xe9", Media("text/plain"), {"base64": "6Q=="}),
        (b"a\x00b", Media("text/plain"), {"base64": "YQBi"}),
        (bytes(60), Media(), {"base64": "A" * 76 + "\nAAAA\n"}),
        (GZIPPED, Media(codings=("gzip",)), {"json": PRETTY, "coding": "gzip"}),
        (GZIPPED[:-1], Media(codings=("gzip",)), {"base64": "H4sIAAAAAAAAA6tWSlSyMqwFAK+sG1YHAAA="}),
        (BROTLI, Media(codings=("br",)), {"text": "text", "coding": "br", "raw": "iwGAdGV4dAM="}),
        (b"plain", Media(codings=("snappy",)), {"text": "plain"}),
    ],
)  # fmt: skip
def test_a_body_shows_as(body: bytes, media: Media, shown: dict[str, str]) -> None:
    assert present(body, media) == shown
    assert restore(shown) == body


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def written(value: object, *, spaced: bool, ascii_only: bool, newline: bool) -> bytes:
    text = json.dumps(value, separators=None if spaced else (",", ":"), ensure_ascii=ascii_only)
    return (text + "\n" * newline).encode()


def coded(body: bytes, codings: tuple[str, ...]) -> bytes:
    for coding in codings:
        body = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}.get(coding, bytes)(
            body
        )
    return body


MEDIA = st.builds(
    Media,
    type=st.sampled_from(["", "application/json", "text/plain"]),
    charset=st.sampled_from([None, "utf-8", "latin-1", "utf-16", "shift_jis", "rot13", "no such"])
    | st.text(),
    codings=st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "snappy"]), max_size=2).map(tuple),
)
BODIES = (
    st.binary()
    | st.text().map(str.encode)
    | st.text('{}[],:" \\\n\r\tué01').map(str.encode)
    | st.builds(written, JSON, spaced=st.booleans(), ascii_only=st.booleans(), newline=st.booleans())
)


@given(body=BODIES, media=MEDIA)
@example(body=b'["\xc2\x85\x7f"]', media=Media())
@example(body=b"\xef\xbb\xbf{}", media=Media("application/json"))
def test_every_body_comes_back_byte_for_byte(body: bytes, media: Media) -> None:
    assert restore(present(body, media)) == body
    encoded = coded(body, media.codings)
    assert restore(present(encoded, media)) == encoded


@given(
    value=st.lists(JSON, min_size=1), spaced=st.booleans(), ascii_only=st.booleans(), newline=st.booleans()
)
def test_json_that_a_machine_wrote_shows_as_json(value: object, **layout: bool) -> None:
    body = written(value, **layout)

    shown = present(body, Media("application/json"))

    assert "json" in shown or b"\x7f" in body
    assert restore(shown) == body


def test_an_edited_body_is_encoded_afresh() -> None:
    body = brotli.compress(b'{"a":1}', quality=2)
    shown = present(body, Media(codings=("br",)))
    assert restore(shown) == body

    shown["json"] = '{ "a":\n 2 }'

    assert brotli.decompress(restore(shown)) == b'{"a":2}'


def test_base64_may_be_laid_out_in_any_way() -> None:
    assert restore({"base64": " AA\tEC\r\n Aw = =\n"}) == b"\0\1\2\3"


def test_an_edited_body_is_compared_without_decoding_more_than_it_has() -> None:
    bomb = gzip.compress(bytes(64 << 20) + b"more")
    shown = {"text": "edited", "coding": "gzip", "raw": base64.b64encode(bomb).decode()}

    tracemalloc.start()
    try:
        assert gzip.decompress(restore(shown)) == b"edited"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_json_may_be_edited_in_any_layout() -> None:
    assert restore({"json": ' [ 1,\n\t{"a b": "c, d"} ] '}) == b'[1,{"a b":"c, d"}]'
    assert restore({"json": "[1,2]", "layout": "spaced"}) == b"[1, 2]"


@pytest.mark.parametrize(
    ("shown", "said", "key", "line"),
    [
        ({"json": '{\n  "a": 1,\n}'}, "broken JSON: ", "json", (2, 3)),
        ({"json": "[" * 200_000}, "JSON that can't be read: ", "json", None),
        ({"json": "9" * 5000}, "JSON that can't be read: ", "json", None),
        ({"json": 25}, "json is text, not 25: put it in quotes", "json", None),
        (
            {"json": "{}", "text": ""},
            "a body is one of json, text, base64, and here is json and text",
            "text",
            None,
        ),
        ({"coding": "gzip"}, "and here is none", None, None),
        (
            {"json": "{}", "layout": "tight"},
            "layout 'tight' is unknown; of json there is: spaced, ",
            "layout",
            None,
        ),
        (
            {"base64": "", "layout": "crlf"},
            "layout 'crlf' is unknown; of base64 there is: none",
            "layout",
            None,
        ),
        ({"text": "é", "charset": "ascii"}, "text that ascii can't hold: ", "text", None),
        ({"text": "é", "charset": "no-such"}, "charset 'no-such' is unknown", "charset", None),
        *(
            ({"text": "é", "charset": charset}, f"charset {charset!r} is unknown", "charset", None)
            for charset in ("Punycode", "idna", "Unicode-Escape", "hex", "a\0b")
        ),
        ({"text": "", "layout": "crlf " * 9}, "layout 'crlf crlf crlf", "layout", None),
        ({"text": "", "coding": "gzip," * 9}, "has more than 2 codings", "coding", None),
        ({"base64": "AAA"}, "broken base64: ", "base64", None),
        ({"base64": "é"}, "broken base64: ", "base64", None),
        ({"base64": "A*AA"}, "broken base64: ", "base64", None),
        ({"text": "", "coding": "gzip", "raw": "A"}, "broken base64: ", "raw", None),
        ({"text": "", "coding": "gzip", "raw": "AAAA"}, "not gzip", "coding", None),
        ({"text": "", "coding": "snappy"}, "content coding 'snappy' is unknown", "coding", None),
        ({"text": "", "colour": "red"}, "'colour' is no key of a body; known: json, ", "colour", None),
    ],
)
def test_a_form_that_shows_no_body_is_an_error(
    shown: Mapping[str, Plain], said: str, key: str | None, line: tuple[int, ...] | None
) -> None:
    with pytest.raises(BodyError) as caught:
        restore(shown)

    assert said in str(caught.value)
    assert caught.value.key == key
    assert caught.value.line in (line or (None,))
