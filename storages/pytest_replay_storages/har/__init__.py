"""HTTP archives (HAR 1.2), as browsers and proxies write and read them."""

from pytest_replay_storages.har.files import open_har

__all__ = ["open_har"]
