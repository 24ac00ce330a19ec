"""The HTTP rim: taps the transports of httpx and httpx2, sync and async."""

from pytest_replay.adapters.http.taps import HttpAdapter

__all__ = ["HttpAdapter"]
