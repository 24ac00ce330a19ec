"""Attempts: the calls that an SDK makes for one thing that it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_replay.adapters.http.calls import Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from pytest_replay.adapters.http.calls import HttpCall

_OF_ERRORS = 400
"""The first status code of an error (RFC 9110 §15.5)."""


def group_attempts(
    calls: Iterable[HttpCall], *, done: Callable[[HttpCall], bool] | None = None
) -> tuple[Calls, ...]:
    """Group calls by what they are attempts of, each group in its order, the one that began first first.

    A call is a further attempt where the same was sent before (method, URL and body), was over, and has failed: an
    error status, or an exception. `done` tells of a call that it was the last attempt, where that is another.
    """
    done = done or _has_succeeded
    groups: list[list[HttpCall]] = []
    waiting: dict[Hashable, list[list[HttpCall]]] = {}
    for call in calls:
        request = call._call.request
        open_groups = waiting.setdefault((request.fields["method"], request.fields["url"], request.body), [])
        group = next((group for group in open_groups if group[-1].before(call)), None)
        if group is None:
            group = []
            groups.append(group)
            open_groups.append(group)
        group.append(call)
        if done(call):
            open_groups.remove(group)
    return tuple(map(Calls, groups))


def _has_succeeded(call: HttpCall) -> bool:
    return isinstance(call.outcome, int) and call.outcome < _OF_ERRORS
