"""Writing: what a storage would write of a cassette is looked through first. Every recording comes by here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay.storage import Drafting

if TYPE_CHECKING:
    from pytest_replay.cassette import Cassette
    from pytest_replay.redaction import Barrier
    from pytest_replay.storage import Storage


def write(cassette: Cassette, storage: Storage, barrier: Barrier) -> None:
    """Have a cassette kept, if it holds no secret; else what was kept stays.

    Raises LeakError where one is left, StorageError where it can't be kept or would not read back, and CassetteError
    where it can't be read itself.
    """
    if isinstance(storage, Drafting):
        draft = storage.draft(cassette)
        barrier.check(cassette, written=draft.parts)
        draft.write()
    else:
        barrier.check(cassette)
        storage.save(cassette)
