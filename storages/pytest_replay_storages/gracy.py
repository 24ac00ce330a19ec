"""Gracy's replay, kept in a storage of this package: `GracyReplay("replay", ReplayStorage("cassettes/pokeapi.yaml"))`.

The only module that imports Gracy.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from gracy import GracyReplayStorage
from gracy.exceptions import GracyReplayRequestNotFound

from pytest_replay.bodies import media_of
from pytest_replay.errors import SettingsError
from pytest_replay.messages import Interaction, Message, Reply
from pytest_replay.naming import safe_name
from pytest_replay.storage import open_storage
from pytest_replay_storages.encoded import as_sent
from pytest_replay_storages.shelf import Answer, Shelf, now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_SCHEMES = {".yaml": "yaml", ".har": "har"}
_URL = re.compile(r"[a-z][a-z0-9+.-]+:")

_only_good: ContextVar[bool] = ContextVar("pytest_replay_gracy_only_good", default=False)
"""Whether this load passes over bad responses: Gracy doesn't tell the method that looks for one."""


class ReplayStorage(GracyReplayStorage):
    """What `GracyReplay` records into, and replays from.

    Answers to the same request come in recorded order, and the last one stays. Credentials are masked in what is
    saved. It is saved as it is recorded; of a large recording, the last part by `flush`, or when Python ends.
    """

    def __init__(self, place: str | Path, *, name: str | None = None, redact: Sequence[str] = ()) -> None:
        """Keep responses in a file, `cassettes/pokeapi.yaml`, or in a storage, `sqlite:///cassettes.db`.

        `name` is the cassette's, in a storage of several; it is called like the storage otherwise. `redact` names
        secret fields, as `@pytest.mark.replay` takes them.
        Raises SettingsError for a place that is neither, and StorageError for a storage that can't be opened.
        """
        url, usual = _url_of(place)
        libraries = {library: version(library) for library in ("gracy", "httpx")}
        storage = open_storage(url, root=Path.cwd())
        self._shelf = Shelf(storage, name or usual, url=url, redact=redact, libraries=libraries)

    def prepare(self) -> None:
        """Read the cassette; the first answers come first again. Raises CassetteError for one that can't be read."""
        self._shelf.open()

    async def record(self, response: httpx.Response) -> None:
        """Keep a response. One that came of redirects is what was asked for at first is answered with."""
        request = response.history[0].request if response.history else response.request
        asked = await _asked(request)
        await response.aread()
        elapsed = sum((it.elapsed for it in response.history), response.elapsed)
        reply = Reply(_answered(response), delay=round(elapsed.total_seconds(), 3))
        self._shelf.keep(Interaction(asked, (reply,)), sent=now() - elapsed)

    async def find_replay(self, request: httpx.Request, discard_before: datetime | None) -> Answer | None:
        """Tell whether there is an answer, and leave it where it is."""
        return self._shelf.peek(await _asked(request), since=_aware(discard_before))

    async def load(
        self,
        request: httpx.Request,
        discard_before: datetime | None,
        discard_bad_responses: bool = False,  # noqa: FBT001, FBT002  # Gracy's signature
    ) -> httpx.Response:
        """Give the next answer, or the next good one. Raises GracyReplayRequestNotFound where there is none."""
        token = _only_good.set(discard_bad_responses)
        try:
            return await super().load(request, discard_before, discard_bad_responses)
        finally:
            _only_good.reset(token)

    async def _load(self, request: httpx.Request, discard_before: datetime | None) -> httpx.Response:
        since, successes = _aware(discard_before), _only_good.get()
        answer = self._shelf.take(await _asked(request), since=since, successes=successes)
        if answer is None:
            raise GracyReplayRequestNotFound(request)
        return await _response(answer, request)

    def flush(self) -> None:
        """Save what is not saved yet. Raises StorageError."""
        self._shelf.save()


def _url_of(place: str | Path) -> tuple[str, str]:
    """Make a URL of a place, and tell what its cassette is called where nobody says."""
    if isinstance(place, str) and _URL.match(place):
        return place, safe_name(PurePosixPath(urlsplit(place).path).stem) or "gracy"
    path = Path(place).absolute()
    if path.suffix not in _SCHEMES:
        known = " or ".join(f"`cassettes/pokeapi{suffix}`" for suffix in _SCHEMES)
        msg = (
            f"ReplayStorage: {str(place)!r} is no file like {known}, and no URL like `sqlite:///cassettes.db`"
        )
        raise SettingsError(msg)
    return f"{_SCHEMES[path.suffix]}:{path.parent}", path.stem


async def _asked(request: httpx.Request) -> Message:
    """Make a message of a request. A body that can be read only once is left to who sends it, and counts as none."""
    stream = request.stream
    again = isinstance(stream, httpx.AsyncByteStream) and isinstance(stream, httpx.SyncByteStream)
    body = await request.aread() if again else b""
    fields = {"method": request.method, "url": str(request.url), "headers": _pairs(request.headers)}
    return Message("http.request", fields, body)


def _answered(response: httpx.Response) -> Message:
    fields: dict[str, str | int] = {"status": response.status_code, "version": response.http_version}
    if "reason_phrase" in response.extensions:
        fields["reason"] = response.extensions["reason_phrase"].decode("latin-1")
    head = Message("http.response", {**fields, "headers": _pairs(response.headers)})
    return replace(head, body=as_sent(response.content, media_of(head).codings, decoded=True))


async def _response(answer: Answer, request: httpx.Request) -> httpx.Response:
    replies = answer.interaction.replies
    head = replies[0].message
    extensions = {"http_version": head.fields.get("version", "HTTP/1.1").encode("latin-1")}
    if "reason" in head.fields:
        extensions["reason_phrase"] = head.fields["reason"].encode("latin-1")
    response = httpx.Response(
        head.fields["status"],
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in head.fields["headers"]],
        stream=httpx.ByteStream(b"".join(reply.message.body for reply in replies)),
        request=request,
        extensions=extensions,
    )
    await response.aread()
    response.elapsed = timedelta(seconds=max(reply.delay for reply in replies))
    return response


def _pairs(headers: httpx.Headers) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]


def _aware(moment: datetime | None) -> datetime | None:
    """Take a moment without a zone for local time, as Gracy's own storages do."""
    return None if moment is None else moment.astimezone()
