"""Measures this project beside others, in one run: `python -m benchmarks [names...]`."""
