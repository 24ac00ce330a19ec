"""Matching: what makes two requests the same, and what makes them differ."""

from pytest_replay.matching.matchers import Matcher
from pytest_replay.matching.misses import explain_miss
from pytest_replay.matching.plan import Plan, make_plan, route_of

__all__ = ["Matcher", "Plan", "explain_miss", "make_plan", "route_of"]
