"""Content codings: undone, and done again byte for byte where that is possible (RFC 9110 §8.4.1).

Knows bytes and the names of codings, neither messages nor media types.
"""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from pytest_replay import limits
from pytest_replay.bodies.deflate import GZIP, RAW, ZLIB, Recipe, find_recipe, has_zlib_header, parse_recipe
from pytest_replay.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

_BROTLI = ("brotli", "brotlicffi")
_BROTLI_QUALITY = 5
"""Its default, 11, takes some seconds for a megabyte."""
_ZSTD = ("compression.zstd", "backports.zstd", "zstandard")


class CodingError(ValueError):
    """A body that can't be decoded: its coding is unknown, its library missing, or its bytes are broken."""


class BombError(CodingError):
    """A body that grows beyond its limit when it is decoded."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def undo(body: bytes, codings: Sequence[str], *, at_most: int = limits.BODY) -> bytes:
    """Decode `body`, with its `codings` in the order in which they were applied.

    An empty body is empty whatever its codings: the answers to HEAD are. Raises CodingError, and BombError for a
    body that has more than `at_most` bytes when all of them are undone, or more than any body may have before that.
    """
    if len(codings) > limits.CODINGS:
        raise CodingError(f"{len(codings)} content codings, one within another: more than {limits.CODINGS}")
    for number, coding in enumerate(reversed(codings), start=1):
        if body:
            body = _undo_one(body, coding, at_most if number == len(codings) else limits.BODY)
    return body


def redo(data: bytes, codings: Sequence[str], *, like: bytes) -> bytes:
    """Encode `data` as `like` was encoded, or freshly where that can't be found out.

    Where zlib made `like`, `redo(undo(like, codings), codings, like=like)` is `like`. Raises CodingError.
    """
    return encode(data, recipe_of(like, codings)) if data or like else b""


def recipe_of(body: bytes, codings: Sequence[str]) -> str:
    """Find out how `body` was encoded: its codings as they were applied, with their parameters.

    A coding that none are found for stands without: it is to be done freshly. Raises CodingError.
    """
    recipes: list[str] = []
    for coding in reversed(codings):
        data = undo(body, [coding])
        recipes.append(_recipe_of_one(body, data, coding))
        body = data
    return ", ".join(reversed(recipes))


def codings_of(recipe: str) -> list[str]:
    """Name the codings of a recipe, as they were applied. Raises CodingError for one of too many."""
    return [_coding_of(words) for words in _steps(recipe)]


def encode(data: bytes, recipe: str) -> bytes:
    """Encode `data` by a recipe. Raises CodingError."""
    for words in filter(None, _steps(recipe)):
        data = _encode_one(data, words.strip())
    return data


def _steps(recipe: str) -> list[str]:
    if recipe.count(",") >= limits.CODINGS:
        raise CodingError(f"{excerpt(recipe)} has more than {limits.CODINGS} codings")
    return recipe.split(",")


def _undo_one(body: bytes, coding: str, at_most: int) -> bytes:
    match coding:
        case "identity":
            return body
        case "gzip" | "x-gzip":
            return _inflate(
                body, coding, lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), at_most, several=True
            )
        case "deflate":
            wbits = zlib.MAX_WBITS if has_zlib_header(body) else -zlib.MAX_WBITS
            return _inflate(body, coding, lambda: zlib.decompressobj(wbits), at_most)
        case "br":
            return _undo_brotli(body, at_most)
        case "zstd":
            return _undo_zstd(body, at_most)
    msg = f"content coding {excerpt(coding)} is unknown"
    raise CodingError(msg)


def _inflate(
    body: bytes,
    coding: str,
    decompressor: Callable[[], _Decompressor],
    at_most: int,
    *,
    several: bool = False,
    error: type[Exception] = zlib.error,
) -> bytes:
    """Decompress one stream, or `several` one behind another."""
    data, rest = b"", body
    for _ in range(limits.MEMBERS if several else 1):
        stream = decompressor()
        try:
            data += stream.decompress(rest, at_most + 1 - len(data))
        except error as problem:
            msg = f"not {coding}: {problem}"
            raise CodingError(msg) from problem
        _check_size(data, at_most)
        if not stream.eof:
            msg = f"{coding} is cut short"
            raise CodingError(msg)
        rest = stream.unused_data
        if not rest:
            return data
    what = f"{limits.MEMBERS} streams of {coding}" if several else f"the end of {coding}"
    raise CodingError(f"{len(rest)} bytes follow {what}")


def _undo_brotli(body: bytes, at_most: int) -> bytes:
    brotli = _library("br", _BROTLI)
    stream = brotli.Decompressor()
    try:
        data: bytes = stream.process(body, output_buffer_limit=at_most + 1)
    except brotli.error as problem:
        msg = f"not br: {problem}"
        raise CodingError(msg) from problem
    except TypeError as problem:
        msg = f"{brotli.__name__} is older than 1.2 and can't stop at a size: update it"
        raise CodingError(msg) from problem
    _check_size(data, at_most)
    if not stream.is_finished():
        msg = "br is cut short"
        raise CodingError(msg)
    return data


def _undo_zstd(body: bytes, at_most: int) -> bytes:
    zstd = _library("zstd", _ZSTD)
    if zstd.__name__ != "zstandard":
        return _inflate(body, "zstd", zstd.ZstdDecompressor, at_most, several=True, error=zstd.ZstdError)
    try:
        if zstd.frame_content_size(body) > at_most:
            _refuse_size(at_most)
        data: bytes = zstd.ZstdDecompressor().decompress(
            body, max_output_size=at_most + 1, allow_extra_data=False
        )
    except zstd.ZstdError as problem:
        msg = f"not zstd: {problem}"
        raise CodingError(msg) from problem
    _check_size(data, at_most)
    return data


def _recipe_of_one(body: bytes, data: bytes, coding: str) -> str:
    match coding:
        case "gzip" | "x-gzip":
            container = GZIP
        case "deflate":
            container = RAW if body and not has_zlib_header(body) else ZLIB
        case _:
            return coding
    found = find_recipe(body, data, container=container) if body else None
    return str(found or Recipe(container))


def _encode_one(data: bytes, words: str) -> bytes:
    match _coding_of(words):
        case "identity":
            return data
        case "gzip" | "deflate":
            try:
                return parse_recipe(words).encode(data)
            except (ValueError, TypeError, OverflowError, zlib.error) as problem:
                msg = f"{excerpt(words)} is no recipe: {str(problem)[:200]}"
                raise CodingError(msg) from problem
        case "br":
            return bytes(_library("br", _BROTLI).compress(data, quality=_BROTLI_QUALITY))
        case "zstd":
            return bytes(_library("zstd", _ZSTD).compress(data))
    msg = f"content coding {excerpt(words)} is unknown"
    raise CodingError(msg)


def _coding_of(words: str) -> str:
    return words.strip().partition(" ")[0].removesuffix("-raw")


def _library(coding: str, names: Sequence[str]) -> ModuleType:
    for name in names:
        try:
            return import_module(name)
        except ModuleNotFoundError:
            continue
    msg = f"content coding {coding!r} needs one of {', '.join(names)}, and none is installed"
    raise CodingError(msg)


def _check_size(data: bytes, at_most: int) -> None:
    if len(data) > at_most:
        _refuse_size(at_most)


def _refuse_size(at_most: int) -> None:
    size = f"{at_most // limits.MIB} MiB" if at_most >= limits.MIB else f"{at_most} bytes"
    raise BombError(f"the decoded body is larger than {size}")
