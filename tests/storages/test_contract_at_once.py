"""What every storage that saves keeps to while others save, and when they are killed over it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.tapes import cassette, get, replied

if TYPE_CHECKING:
    from fixtures.storages import Place
    from pytest_replay.cassette import Cassette

ROOT = Path(__file__).parents[2]

SAVING = """
import sys
from pathlib import Path
from fixtures.tapes import cassette, get, replied
from pytest_replay.storage import close_storage, open_storage

storage = open_storage(sys.argv[1], root=Path(sys.argv[2]))
"""
MANY = """
for number in range(20):
    name = f"{sys.argv[3]}/{number}"
    said = (get(f"https://a.example/{n}", replied("http.response", b"x" * n)) for n in range(20))
    storage.save(cassette(*said, name=name))
close_storage(storage)
"""
HANGING = """
import os
import time
from sqlalchemy import event
from sqlalchemy.engine import Engine


def hang(*_):
    print("in the middle of it", flush=True)
    time.sleep(60)


@event.listens_for(Engine, "after_cursor_execute")
def executed(connection, cursor, statement, *_):
    if statement.startswith("INSERT INTO replay_messages"):
        hang()


os.fsync = hang
storage.save(cassette(get("https://new.example", replied("http.response", b"new"))))
"""


def version(letter: str, length: int = 50) -> Cassette:
    return cassette(
        *(
            get(f"https://{letter}.example/{number}", replied("http.response", letter.encode() * number))
            for number in range(length)
        )
    )


def test_two_that_save_at_once_never_mix(place: Place) -> None:
    versions = [version(letter) for letter in "ab"]

    def save_again_and_again(mine: Cassette) -> None:
        with place.opened() as storage:
            for _ in range(10):
                storage.save(mine)

    threads = [threading.Thread(target=save_again_and_again, args=[mine]) for mine in versions]
    for thread in threads:
        thread.start()
    seen = set()
    with place.opened() as storage:
        while any(thread.is_alive() for thread in threads):
            current = storage.load("tape")
            seen.add(None if current is None else repr(list(current)))
        for thread in threads:
            thread.join()
        last = repr(list(storage.load("tape") or ()))

    wholes = {repr(list(given)) for given in versions}
    assert seen <= {None, *wholes}
    assert last in wholes


def test_a_tape_stays_what_it_was_when_it_was_opened(place: Place) -> None:
    given = version("a", length=700)
    with place.opened() as storage, place.opened() as other:
        storage.save(given)
        opened = storage.load("tape")
        assert opened is not None
        opened.tape.read(0)

        for letter in "bcd":
            other.save(version(letter))
        other.remove("tape")

        assert repr(list(opened)) == repr(list(given))
        assert storage.load("tape") is None


def test_processes_that_save_at_once_lose_nothing(place: Place) -> None:
    command = [sys.executable, "-c", SAVING + MANY, place.url, str(place.root)]
    writers = [subprocess.Popen([*command, letter], cwd=ROOT) for letter in "abcd"]

    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]

    with place.opened() as storage:
        names = list(storage.names())
        assert sorted(names) == sorted(f"{letter}/{number}" for letter in "abcd" for number in range(20))
        for name in names:
            kept = storage.load(name)
            assert kept is not None
            assert [len(said.replies[0].message.body) for _, said in kept] == list(range(20))


@pytest.mark.skipif(sys.platform == "win32", reason="its processes are not killed by a signal")
def test_a_writer_that_is_killed_leaves_the_old_cassette(place: Place) -> None:
    with place.opened() as storage:
        storage.save(version("a"))
        command = [sys.executable, "-c", SAVING + HANGING, place.url, str(place.root)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "in the middle of it\n"
            writer.kill()

        kept = storage.load("tape")
        assert repr(list(kept or ())) == repr(list(version("a")))
        storage.save(version("b"))
        assert repr(list(storage.load("tape") or ())) == repr(list(version("b")))
        assert list(storage.names()) == ["tape"]
