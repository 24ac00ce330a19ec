"""The suites of the SDKs, recorded again when every secret of theirs is another: not a byte of a cassette changes.

Credentials are in play in all that Schematic sends, in one test of Gracy's, and in logins over AMQP, of which no tape
tells. The other tests of Gracy, of MetricQ and of aio-pika have none but the broker's own login, and those of the
libraries that wait have none.

Left out are recordings that take more than ten seconds each, and one that is told the date by its service.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures import rotation
from fixtures.rabbitmq import PORT
from fixtures.rabbitmq_node import HOST, answers
from fixtures.rotation import rotated
from pytest_replay.redaction import placeholders_in
from pytest_replay.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
SDKS = ROOT / "tests" / "sdk"
CASSETTES = ROOT / "fixtures" / "cassettes"
PATIENCE = 600
"""Seconds after which a run that records is ended."""
LONG = (
    "of-the-sdk",
    "20-seconds",
    "flush_thread",
    "until_the_second_that_the_service_names",
)
"""Parts of the names of tests that are left out."""
SUITES = {
    "gracy": ["gracy_clients"],
    "schematic": [
        "schematic_companies",
        "schematic_errors",
        "schematic_events",
        "schematic_flags",
        "schematic_retries",
        "schematic_streams",
        "schematic_transports",
    ],
    "aio_pika": ["aio_pika_secrets", *(["metricq_secrets"] if find_spec("metricq") else [])],
}
"""Of each SDK, the modules whose tests have secrets. Those over AMQP share a vhost, and so one recording."""


def recorded(modules: Iterable[str], word: str, root: Path) -> dict[str, bytes]:
    """Record modules over the cassettes that are there, with other secrets; what there is then."""
    kept = " and ".join(f"not {part}" for part in LONG)
    chosen = [str(SDKS / f"test_{module}.py") for module in modules]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**outer, rotation.ROTATION: word, rotation.CASSETTES: str(root)}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--record", "-q", "-p", "no:cacheprovider", "-k", kept, *chosen],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.findall(r"(\d+) recorded", ran.stdout)[-1]) > 0
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.yaml")}


def said(cassette: bytes) -> list[str]:
    """List what a cassette says, without its times, in whatever order.

    MetricQ takes leave of two connections at once, and which is closed first is a race: then all of it is timed anew.
    """
    documents = re.split("^(?=--- #)", cassette.decode(), flags=re.MULTILINE)
    return sorted(
        re.sub(r"^(?: *(?:at|delay|recorded_at): .*|\.\.\.)\n", "", it, flags=re.MULTILINE)
        for it in documents
    )


@pytest.mark.parametrize(
    ("sdk", "secrets"),
    [
        ("gracy", ["pk_7fQ2mZx9Lr4TbWc8VdEh"]),
        ("schematic", ["sch_dev_9fQ2mXvT7wKb4RzN"]),
        ("aio_pika", ["n3w-s3cr3t", "wr0ng-s3cr3t", "Zk3v@Q8/wX1:yT9%r"]),
    ],
    ids=SUITES,
)
def test_with_other_secrets_the_same_is_recorded(sdk: str, secrets: list[str], tmp_path: Path) -> None:
    if find_spec(sdk) is None:
        pytest.skip(f"{sdk} is not installed")
    if sdk == "aio_pika" and not answers(HOST, PORT):
        pytest.skip(f"no RabbitMQ answers at {HOST}:{PORT}")
    root = tmp_path / "cassettes"
    shutil.copytree(CASSETTES, root)

    first = recorded(SUITES[sdk], "one", root)
    other = recorded(SUITES[sdk], "other", root)

    assert first.keys() == other.keys()
    changed = [name for name in other if first[name] != other[name]]
    assert [name for name in changed if "metricq" not in name or said(first[name]) != said(other[name])] == []
    texts = b"\n".join(other.values()).decode()
    rotated_ones = [rotated(secret, word) for secret in secrets for word in ("one", "other")]
    assert len({*secrets, *rotated_ones}) == 3 * len(secrets)
    assert [secret for secret in (*secrets, *rotated_ones) if secret in texts] == []


def test_each_cassette_lists_what_stands_for_its_secrets() -> None:
    storage = open_storage("yaml:", root=CASSETTES)
    cassettes = [cassette for name in storage.names() if (cassette := storage.load(name)) is not None]

    unlisted = [
        cassette.name
        for cassette in cassettes
        if placeholders_in([it for _, it in cassette], cassette.header.placeholders)
        != cassette.header.placeholders
    ]
    assert unlisted == []
    assert any(cassette.header.placeholders for cassette in cassettes)
