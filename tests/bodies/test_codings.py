"""Content codings: undone, and done again byte for byte."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from typing import TYPE_CHECKING

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pytest_replay import limits
from pytest_replay.bodies.codings import BombError, CodingError, codings_of, encode, recipe_of, redo, undo

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = json.dumps([{"id": n, "url": f"https://api.example.com/{n * n}"} for n in range(60)]).encode()
SHORT = b"a body that is short"


def gzipped(data: bytes) -> bytes:
    """Compress without a time, for test ids are made of it, and each worker makes its own."""
    return gzip.compress(data, mtime=0)


def deflated(data: bytes, *, level: int = 6, window: int = 15, memory: int = 8) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, window, memory)
    return compressor.compress(data) + compressor.flush()


def gzip_with(header: bytes, data: bytes) -> bytes:
    return header + deflated(data, window=-15) + gzipped(data)[-8:]


WITH_NAME = (
    b"\x1f\x8b\x08\x1e\x01\x02\x03\x04\x02\xff" + b"\x03\x00abc" + b"name\0" + b"comment\0" + b"\xaa\xbb"
)
WITH_NAME = gzip_with(WITH_NAME[:-2] + (zlib.crc32(WITH_NAME[:-2]) & 0xFFFF).to_bytes(2, "little"), DATA)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        *((gzip.compress(DATA, level, mtime=1_700_000_000), ["gzip"]) for level in range(1, 10)),
        (gzipped(DATA), ["x-gzip"]),
        (deflated(DATA, window=31, memory=9), ["gzip"]),
        (deflated(SHORT, window=31, memory=3), ["gzip"]),
        (WITH_NAME, ["gzip"]),
        (zlib.compress(DATA), ["deflate"]),
        (deflated(DATA, level=1, window=12), ["deflate"]),
        (deflated(DATA, level=9, window=-15), ["deflate"]),
        (gzipped(zlib.compress(DATA, 9)), ["deflate", "gzip"]),
        (DATA, ["identity"]),
        (DATA, []),
        (b"", ["gzip"]),
        (gzipped(b""), ["gzip"]),
    ],
)
def test_what_zlib_made_is_made_again(body: bytes, coding: Sequence[str]) -> None:
    data = undo(body, coding)

    assert data in {DATA, SHORT, b""}
    assert redo(data, coding, like=body) == body


STREAM = zstandard.ZstdCompressor().compressobj()
STREAMED = STREAM.compress(DATA) + STREAM.flush()  # which tells no size


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzipped(DATA[:99]) + gzipped(DATA[99:]), ["gzip"]),
        (brotli.compress(DATA, quality=3), ["br"]),
        (zstandard.compress(DATA, 5), ["zstd"]),
        (STREAMED, ["zstd"]),
    ],
)
def test_what_others_made_is_made_freshly(body: bytes, coding: Sequence[str]) -> None:
    data = undo(body, coding)

    assert data == DATA
    assert undo(redo(b"other", coding, like=body), coding) == b"other"


def test_other_data_are_encoded_as_the_original_was() -> None:
    like = gzip.compress(DATA, 1, mtime=1_700_000_000)

    assert redo(SHORT, ["gzip"], like=like) == gzip.compress(SHORT, 1, mtime=1_700_000_000)


def test_data_for_an_empty_original_are_encoded_freshly() -> None:
    assert undo(redo(SHORT, ["deflate", "gzip"], like=b""), ["deflate", "gzip"]) == SHORT
    assert redo(b"", ["gzip"], like=b"") == b""


@pytest.mark.parametrize(
    ("body", "coding", "said"),
    [
        (b"x", "snappy", "'snappy' is unknown"),
        (b"not at all", "gzip", "not gzip"),
        (gzipped(DATA)[:-1], "gzip", "gzip is cut short"),
        (gzipped(DATA)[:-8] + b"12345678", "gzip", "not gzip"),
        (gzipped(DATA) + b"more", "gzip", "not gzip"),
        (zlib.compress(DATA) + b"more", "deflate", "4 bytes follow the end of deflate"),
        (deflated(DATA, window=-15) + b"more", "deflate", "4 bytes follow the end of deflate"),
        (b"\xff\xff\xff", "deflate", "not deflate"),
        (b"not at all", "br", "not br"),
        (brotli.compress(DATA)[:-9], "br", "br is cut short"),
        (b"not at all", "zstd", "not zstd"),
        (zstandard.compress(DATA)[:-1], "zstd", "zstd"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_an_error(body: bytes, coding: str, said: str) -> None:
    with pytest.raises(CodingError, match=said):
        undo(body, [coding])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_grows_beyond_the_limit_is_an_error(coding: str) -> None:
    bomb = encode(bytes((1 << 20) + 1), coding)

    with pytest.raises(BombError, match="larger than 1 MiB"):
        undo(bomb, [coding], at_most=1 << 20)
    assert undo(encode(bytes(1 << 20), coding), [coding], at_most=1 << 20) == bytes(1 << 20)


def test_the_limit_is_that_of_what_comes_out_at_the_end() -> None:
    body = encode(gzipped(b"end"), "gzip")

    assert undo(body, ["gzip", "gzip"], at_most=3) == b"end"
    with pytest.raises(BombError, match="larger than 2 bytes"):
        undo(body, ["gzip", "gzip"], at_most=2)


def test_codings_are_undone_two_deep() -> None:
    for codings in (["gzip"] * 3, ["identity"] * 900):
        with pytest.raises(CodingError, match=f"{len(codings)} content codings, one within another"):
            undo(b"x", codings)
    for act in (codings_of, lambda recipe: encode(b"x", recipe)):
        with pytest.raises(CodingError, match="'gzip,gzip,gzip' has more than 2 codings"):
            act("gzip,gzip,gzip")


def test_streams_of_gzip_are_followed_up_to_a_number_of_them() -> None:
    assert undo(gzipped(b"a") * limits.MEMBERS, ["gzip"]) == b"a" * limits.MEMBERS
    with pytest.raises(CodingError, match="bytes follow 100 streams of gzip"):
        undo(gzipped(b"a") * (limits.MEMBERS + 1), ["gzip"])


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("brotli", "brotlicffi"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(CodingError, match=r"'br' needs one of brotli, brotlicffi, and none is installed"):
        undo(b"x", ["br"])


def test_a_brotli_that_cannot_stop_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Decompressor:
        def process(self, data: bytes) -> bytes:
            raise NotImplementedError(data)

    monkeypatch.setattr(brotli, "Decompressor", Decompressor)

    with pytest.raises(CodingError, match=r"brotli is older than 1\.2"):
        undo(b"x", ["br"])


@pytest.mark.parametrize("library", ["compression.zstd", "backports.zstd", "zstandard"])
def test_each_library_of_zstd_will_do(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(library)
    for other in {"compression.zstd", "backports.zstd", "zstandard"} - {library}:
        monkeypatch.setitem(sys.modules, other, None)
    body = encode(DATA, "zstd")

    assert undo(body, ["zstd"]) == DATA
    for broken, said in ((b"not at all", "not zstd"), (body[:-1], "zstd"), (body + b"more", "not zstd")):
        with pytest.raises(CodingError, match=said):
            undo(broken, ["zstd"])
    for bomb in (body, STREAMED):
        with pytest.raises(BombError, match="larger than"):
            undo(bomb, ["zstd"], at_most=len(DATA) - 1)


@pytest.mark.parametrize(
    "recipe",
    [
        "gzip-raw",
        "gzip level=x",
        "gzip level=99",
        "gzip level=9999999999999999999",
        "gzip pace=3",
        "gzip level",
        "gzip header=xy",
        "lzma",
    ],
)
def test_a_broken_recipe_is_an_error(recipe: str) -> None:
    with pytest.raises(CodingError, match=recipe):
        encode(DATA, recipe)


def test_a_recipe_says_only_what_is_unusual() -> None:
    unix = bytes.fromhex("1f8b0800000000000003")

    assert recipe_of(gzip_with(unix, DATA), ["gzip"]) == "gzip"
    assert (
        recipe_of(gzip_with(b"\x1f\x8b\x08\0\1\0\0\0\2\3", DATA), ["gzip"])
        == "gzip header=1f8b0800010000000203"
    )
    assert recipe_of(zlib.compress(DATA), ["deflate"]) == "deflate"
    assert recipe_of(deflated(DATA, level=1, window=-15), ["deflate"]) == "deflate-raw level=1"
    assert recipe_of(gzip_with(unix, zlib.compress(DATA, 1)), ["deflate", "gzip"]) == "deflate level=1, gzip"


@given(
    data=st.binary(max_size=300) | st.binary(max_size=9).map(lambda piece: piece * 3000),
    level=st.integers(-1, 9),
    memory=st.integers(1, 9),
    window=st.sampled_from([-15, -12, 15, 10, 31]),
)
def test_whatever_zlib_made_decodes_to_the_same(data: bytes, level: int, memory: int, window: int) -> None:
    body = deflated(data, level=level, window=window, memory=memory)
    coding = ["gzip" if window > zlib.MAX_WBITS else "deflate"]

    assert undo(body, coding) == data
    assert undo(redo(data, coding, like=body), coding) == data
