"""Zones: the name of the time zone of this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

_LOCALTIME = Path("/etc/localtime")
_FOLDER = "zoneinfo"


def zone_here() -> str:
    """Name the time zone of this process: an IANA name, or what POSIX allows in `TZ` (§8.3) where it has none."""
    said = os.environ.get("TZ", "").removeprefix(":")
    if said and not said.startswith("/"):
        return said
    parts = (Path(said) if said else _LOCALTIME).resolve().parts
    if _FOLDER in parts:
        return "/".join(parts[parts.index(_FOLDER) + 1 :])
    return _offset(-time.timezone)


def _offset(east: int) -> str:
    """Write an offset, in seconds east of Greenwich, as POSIX does: with the sign the other way round."""
    if not east:
        return "UTC"
    sign, (hours, rest) = "-" if east > 0 else "+", divmod(abs(east), 3600)
    return f"<{'+' if east > 0 else '-'}{hours:02}{rest // 60:02}>{sign}{hours}:{rest // 60:02}"
