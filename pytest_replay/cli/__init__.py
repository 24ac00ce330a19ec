"""The `pytest-replay` command: looks at cassettes, compares, converts and checks them, in every storage.

Only this room imports click and rich, which the extra `cli` installs.
"""

from __future__ import annotations

import sys

from pytest_replay.errors import MissingExtraError

_LIBRARIES = frozenset({"click", "rich"})


def main() -> int:
    """Run the command; its result is the exit status."""
    try:
        from pytest_replay.cli.app import run  # noqa: PLC0415  # what it imports may not be there
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _LIBRARIES:
            raise
        missing = MissingExtraError(library, extra="cli", purpose="the command pytest-replay")
        sys.stderr.write(f"Error: {missing}\n")
        return 2
    return run()
