"""Page: a report as one HTML file that needs nothing else: no network, and to be read, no script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pytest_replay.reporting import layout
from pytest_replay.times import age, duration

if TYPE_CHECKING:
    from pytest_replay.reporting.model import Hits, Report

_FILTERS = (
    ("failed", "Failed"),
    ("missed", "Missed"),
    ("unplayed", "Unplayed"),
    ("retried", "Retried"),
    ("injected", "Faults injected"),
    ("recorded", "Recorded"),
    ("http", "HTTP"),
    ("amqp", "AMQP"),
    ("skipped", "Skipped"),
)


def page_of(report: Report) -> str:
    """Make the page of a report."""
    environment = Environment(
        loader=PackageLoader("pytest_replay.reporting", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["duration"] = _duration
    environment.filters["breakable"] = _breakable
    started = layout.moment(report["started"])
    flags = {test["id"]: layout.flags_of(test) for test in report["tests"]}
    counted = [(name, label, sum(name in found for found in flags.values())) for name, label in _FILTERS]
    return environment.get_template("report.html.jinja").render(
        report=report,
        started=started,
        groups=layout.groups_of(report["tests"]),
        parts=layout.proportions(report),
        flags=flags,
        filters=[(name, label, count) for name, label, count in counted if count],
        http=[hits for hits in report["hits"] if hits["protocol"] == "http"],
        amqp=[hits for hits in report["hits"] if hits["protocol"] == "amqp"],
        name_of=layout.name_of,
        words_of=layout.words_of,
        strip_of=layout.strip_of,
        track_of=layout.track_of,
        differences_of=layout.differences_of,
        age=lambda text: age(layout.moment(text), started),
        day=lambda text: f"{layout.moment(text):%d %b %Y}".lstrip("0"),
        success=_success,
    )


def _duration(seconds: float | None) -> str:
    return "\N{EN DASH}" if seconds is None else duration(seconds)


def _success(hits: Hits) -> float:
    """Tell how many calls in a hundred went well."""
    return 100 * hits["succeeded"] / hits["hits"]


def _breakable(name: str) -> Markup:
    """Let a long name be broken between its words, rather than within one."""
    return Markup("<wbr>").join(escape(word) for word in re.split(r"(?<=[_/.:])", name))
