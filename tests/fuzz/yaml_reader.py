"""Fuzz the reader of YAML cassettes, guided by coverage: whatever it is given loads, or is a CassetteError.

    pip install --group fuzz
    python -m tests.fuzz.yaml_reader -max_total_time=600

All options are libFuzzer's. What is interesting is kept in `.fuzz/`, which begins with the cassettes of this project
and the small ones of `fixtures/hostile`. An input that is a finding stands in `.fuzz/` too, for a test to be made of.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tempfile
from pathlib import Path

import atheris

from fixtures.hostile import BROKEN
from fixtures.hostile.making import HEADER, whole

with atheris.instrument_imports(include=["pytest_replay", "pytest_replay_storages"]):
    from pytest_replay.bodies.meaning import meaning_of
    from pytest_replay.checking import CheckedTape
    from pytest_replay.errors import CassetteError
    from pytest_replay.matching.bodies import body_key
    from pytest_replay_storages.yaml.stream import load

ROOT = Path(__file__).parents[2]
PLACE = Path("tape.yaml")
LARGEST = 8192
"""Bytes: what is larger is slow to change, and says no more."""
WORDS = (
    *(
        "--- # ",
        "...",
        "format: 1",
        "recorded_at: ",
        "request:",
        "replies:",
        "kind: http.request",
        "after: [0]",
    ),
    *(
        "headers: |",
        "content-encoding: gzip",
        "content-type: application/json",
        "json: |",
        "text: ",
        "base64: ",
    ),
    *(
        "coding: gzip",
        "raw: ",
        "layout: spaced",
        "charset: ",
        "delay: 0.5",
        "$base64: ",
        "$tuple: ",
        "$float: ",
    ),
    *(
        "fields:",
        "decoded:",
        "<<: ",
        "&a ",
        "*a",
        "!!python/",
        "%YAML 1.1",
        "? ",
        "- ",
        "|2-",
        "1.0e+9",
        "null",
    ),
)


def one_input(data: bytes) -> None:
    """Do with a cassette what a replay does. Of what ends it, only one error is none of a finding."""
    for cassette in (data, whole(data), HEADER + data):
        with contextlib.suppress(CassetteError):
            tape = CheckedTape(load(cassette, path=PLACE, name="tape").tape, name="tape")
            for position in range(len(tape)):
                request = tape.read(position).request
                body_key(request, ())
                meaning_of(request)


def seed(corpus: Path) -> None:
    """Begin with what is at hand."""
    samples = [path.read_bytes() for path in sorted((ROOT / "fixtures" / "cassettes").rglob("*.yaml"))]
    with tempfile.TemporaryDirectory() as folder:
        for number, broken in enumerate(BROKEN.values()):
            path = Path(folder, str(number))
            broken.make(path)
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST:
                samples.append(path.read_bytes())
    for sample in samples:
        if len(sample) <= LARGEST:
            (corpus / hashlib.sha256(sample).hexdigest()[:16]).write_bytes(sample)


def main() -> None:
    """Run until it is told to stop, or until something is found."""
    corpus = ROOT / ".fuzz" / "yaml"
    corpus.mkdir(parents=True, exist_ok=True)
    seed(corpus)
    words = corpus.parent / "words"
    words.write_text("".join(f'"{word}"\n' for word in WORDS))
    options = [f"-max_len={LARGEST}", f"-dict={words}", f"-artifact_prefix={corpus.parent}/", "-timeout=10"]
    atheris.Setup([sys.argv[0], str(corpus), *options, *sys.argv[1:]], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
