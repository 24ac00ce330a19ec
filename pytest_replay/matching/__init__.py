"""Matching: what makes two requests the same, and what makes them differ."""

from pytest_replay.matching.amqp import CLOSES, is_amqp, is_close, is_content
from pytest_replay.matching.lanes import Lanes
from pytest_replay.matching.matchers import Matcher
from pytest_replay.matching.misses import explain_miss
from pytest_replay.matching.plan import Plan, make_plan, route_of
from pytest_replay.matching.reopened import reopened_in_vain
from pytest_replay.matching.symbols import Symbols

__all__ = [
    "CLOSES",
    "Lanes",
    "Matcher",
    "Plan",
    "Symbols",
    "explain_miss",
    "is_amqp",
    "is_close",
    "is_content",
    "make_plan",
    "reopened_in_vain",
    "route_of",
]
