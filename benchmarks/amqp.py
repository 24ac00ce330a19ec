"""AMQP messages, replayed and recorded, beside those of a real RabbitMQ on loopback in the same run."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.amqp_traffic import body, calling, consuming, fill, publishing, timed
from benchmarks.cassettes import Shelf
from benchmarks.harness import OURS, Table, clocked, race
from fixtures.rabbitmq import NoBrokerError, own_vhost, running
from pytest_replay.cassette import Cassette, MemoryTape
from pytest_replay.matching import route_of
from pytest_replay.messages import Message
from pytest_replay.run import Run
from pytest_replay.settings import Mode, Settings
from pytest_replay_storages.yaml import YamlStorage
from pytest_replay_storages.yaml.stream import dump

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.amqp_traffic import Job

JOBS = (
    publishing(200),
    publishing(200, at_once=50),
    consuming(200, prefetch=1),
    consuming(200, prefetch=50),
    calling(80),
)
TURNS = 6
"""The first warms up."""
SMALL, LARGE = 100, 10_000
SMALL_TURNS, LARGE_TURNS = 15, 2
BROKER, BARE = "RabbitMQ", "bare client"
WHOLE = f"{OURS}, parsing included"
SAVED = f"{OURS}, saving included"


def tables() -> Iterator[Table]:
    """Measure replay and recording in one race, then how the cost grows with the cassette."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running())
        except NoBrokerError as error:
            yield Table(f"AMQP is not measured: {error}", {})
            return
        broker = stack.enter_context(own_vhost(found, f"benchmark-{uuid.uuid4().hex}"))
        run = Run(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.callback(run.end)
        bench = Bench(broker.url, run)
        rows = {job.name: race(bench.contenders(job)) for job in JOBS}
        yield Table(
            "One replayed AMQP message, its cassette parsed before",
            {name: _picked(row, BROKER, OURS, WHOLE) for name, row in rows.items()},
            floor=BROKER,
        )
        yield Table(
            f"One recorded AMQP message, of {JOBS[0].times}",
            {
                name: {BARE: row[BROKER], OURS: row["recorded"], SAVED: row[SAVED]}
                for name, row in rows.items()
            },
            floor=BARE,
        )
        yield Table(
            "One replayed publish of a cassette of so many",
            {
                "parsed before": race(bench.sizes(parsed=True)),
                "opening and parsing included": race(bench.sizes(parsed=False)),
            },
            floor=f"{SMALL:,} publishes",
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """A broker, and who records and replays."""

    url: str
    run: Run

    def contenders(self, job: Job) -> Mapping[str, Iterator[float]]:
        """Do a job with the broker, with its cassette, and with both."""
        self.keep(self.record(job))
        return {
            BROKER: self.bare(job),
            OURS: self.replayed(job, _settings(job, parsed=True)),
            WHOLE: self.replayed(job, _settings(job, parsed=False)),
            "recorded": self.recorded(job, saved=False),
            SAVED: self.recorded(job, saved=True),
        }

    def sizes(self, *, parsed: bool) -> Mapping[str, Iterator[float]]:
        """Publish one by one, as it stands in a small cassette, and in a large one."""
        small, large = (replace(publishing(size), name=f"{size:,} publishes") for size in (SMALL, LARGE))
        cassette = self.record(small)
        self.keep(cassette)
        self.keep(enlarged(cassette, large.name, LARGE // SMALL))
        return {
            job.name: chain(
                self.replayed(small, _settings(small, parsed=parsed), turns=1),
                self.replayed(job, _settings(job, parsed=parsed), turns=turns),
            )
            for job, turns in ((small, SMALL_TURNS), (large, LARGE_TURNS))
        }

    def bare(self, job: Job) -> Iterator[float]:
        """Do it with no session."""
        for _ in range(TURNS):
            self.fill(job)
            yield asyncio.run(timed(job, self.url))

    def recorded(self, job: Job, *, saved: bool) -> Iterator[float]:
        """Do it while it is recorded; `saved` measures the saving too, of a cassette that was not there."""
        settings = Settings(mode=Mode.ALL)
        for turn in range(TURNS):
            self.fill(job)
            session = self.run.open(test="benchmark", name=f"{job.name}, again {turn}", settings=settings)
            taken = asyncio.run(timed(job, self.url))
            self.run.leave(session)
            closing = clocked(self.run.close, session, passed=saved, times=job.times)
            yield taken + (closing if saved else 0)

    def replayed(self, job: Job, settings: Settings, *, turns: int = TURNS) -> Iterator[float]:
        """Do it from the start of its cassette, and measure the opening too."""
        for _ in range(turns):
            started = time.perf_counter()
            session = self.run.open(test="benchmark", name=job.name, settings=settings)
            opening = time.perf_counter() - started
            taken = asyncio.run(timed(job, self.url))
            self.run.leave(session)
            failure = self.run.close(session, passed=True).failure
            assert failure is None, failure
            yield taken + opening / job.times

    def fill(self, job: Job) -> None:
        """Let others send before the session begins what a job consumes."""
        if job.filled:
            asyncio.run(fill(self.url, job.times))

    def record(self, job: Job) -> Cassette:
        """Record it, and read what was kept."""
        self.fill(job)
        session = self.run.open(test="benchmark", name=job.name, settings=Settings(mode=Mode.ALL))
        asyncio.run(timed(job, self.url))
        self.run.leave(session)
        self.run.close(session, passed=True)
        cassette = YamlStorage(self.run.root).load(job.name)
        assert cassette is not None
        return cassette

    def keep(self, cassette: Cassette) -> None:
        """Have a cassette at hand, all of it parsed, and in its file."""
        parsed = Cassette(cassette.name, cassette.header, MemoryTape(cassette))
        self.run._storages[f"memory:{cassette.name}", Settings().file_limit] = Shelf(parsed)
        Path(self.run.root, f"{cassette.name}.yaml").write_bytes(dump(parsed))


def enlarged(cassette: Cassette, name: str, times: int) -> Cassette:
    """Repeat the publishes of a cassette, each with a body and an id of its own: to record so many takes long."""
    recorded = [interaction for _, interaction in cassette]
    publishes = [number for number, it in enumerate(recorded) if it.request.kind == "amqp.basic.publish"]
    first, end = publishes[0], publishes[-1] + 1
    assert publishes == [*range(first, end)]
    one = recorded[first]
    fields, properties = one.request.fields, one.request.fields["properties"]
    copies = [
        replace(
            one,
            request=Message(
                one.request.kind,
                {**fields, "properties": {**properties, "message_id": uuid.UUID(int=number).hex}},
                body(number),
            ),
        )
        for number in range(len(publishes) * times)
    ]
    whole = [*recorded[:first], *copies, *recorded[end:]]
    return Cassette(name, cassette.header, MemoryTape((route_of(it.request), it) for it in whole))


def _settings(job: Job, *, parsed: bool) -> Settings:
    return Settings(storage=f"memory:{job.name}") if parsed else Settings()


def _picked(row: Mapping[str, float], *names: str) -> dict[str, float]:
    return {name: row[name] for name in names}
