"""Cassettes that were changed at random load, or are refused in words; so it is in a fuzzer that coverage guides."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.hostile.making import HEADER, whole
from pytest_replay.bodies.meaning import meaning_of
from pytest_replay.checking import CheckedTape
from pytest_replay.errors import CassetteError
from pytest_replay.matching.bodies import body_key
from pytest_replay_storages.yaml.stream import load

ROOT = Path(__file__).parents[2]
PLACE = Path("tape.yaml")
PIECES = tuple(map(str.encode, (
    *("--- # GET https://a.example/1\n", "\n---\n", "...\n", "\r", "\x85", "\0", "\t", "[", "]", "{", "}", "{{"),
    *("[" * 70, "- " * 70, ": ", "? ", "- ", "#", "'", '"', "|", ">2-", "*a", "&a ", "<<: ", "!tape ", "%YAML 1.1\n"),
    *("!!python/object/apply:os.system ", "null", "yes", "012", "1:30", ".inf", "9" * 400, "1.0e+400", "-1"),
    *("$base64", "$tuple: ", "$float: ", "fields:\n", "raw: AAAA\n", "coding: gzip\n", "content-encoding: gzip\n"),
    *("charset: punycode\n", "after: [7]\n", "<<<<<<< HEAD\n", "=======\n"),
)))  # fmt: skip


@cache
def samples() -> list[bytes]:
    """Read cassettes of many kinds: the smallest ones that were recorded from each SDK."""
    folders = sorted((ROOT / "fixtures" / "cassettes").rglob("*"))
    files = [sorted(folder.glob("*.yaml"), key=lambda path: path.stat().st_size)[:2] for folder in folders]
    return [path.read_bytes() for some in files for path in some if path.stat().st_size < 20_000]


def test_there_are_samples_over_http_and_amqp() -> None:
    assert len(samples()) > 10
    for kind in (b"kind: http.request", b"kind: amqp.connect"):
        assert any(kind in sample for sample in samples())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(samples())))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 9, 80, 900])))
        other = draw(st.sampled_from(samples()))
        cut = draw(st.integers(0, len(other)))
        data[start:end] = draw(
            st.sampled_from(PIECES)
            | st.binary(max_size=4)
            | st.just(other[cut : cut + 200])
            | st.just(bytes(data[start:end] * 2))
        )
    return bytes(data)


@settings(deadline=None, max_examples=300)
@given(data=mutated() | st.binary().map(whole) | st.binary().map(HEADER.__add__) | st.binary())
def test_what_was_changed_at_random_loads_or_is_refused(data: bytes) -> None:
    try:
        tape = CheckedTape(load(data, path=PLACE, name="tape").tape, name="tape")
        for position in range(len(tape)):
            request = tape.read(position).request
            body_key(request, ())
            meaning_of(request)
    except CassetteError as error:
        told = str(error)
    else:
        told = "tape: loads\n  "
    assert told.startswith("tape")
    assert "\n  " in told
    assert len(told) < 2000


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has a dependency group of its own"
)
@pytest.mark.parametrize("reader", ["yaml_reader", "sql_reader"])
def test_the_fuzzer_runs(reader: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{reader}", "-runs=50"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert run.returncode == 0, run.stderr[-2000:]
    assert "Done" in run.stderr
