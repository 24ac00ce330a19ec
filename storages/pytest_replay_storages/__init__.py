"""The storages that come with pytest-replay-cassettes, found by URL scheme."""
