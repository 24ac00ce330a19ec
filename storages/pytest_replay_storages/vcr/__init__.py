"""Cassettes of vcrpy and pytest-recording: read as they are."""

from pytest_replay_storages.vcr.files import open_vcr

__all__ = ["open_vcr"]
