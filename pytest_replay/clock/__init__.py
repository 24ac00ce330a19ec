"""The recorded clock: waiting costs nothing, and the time is that of the recording.

Usable by itself: `with RecordedClock(start=...) as clock: ...`. It knows no session, no adapter and no test.
"""

from pytest_replay.clock.clock import RecordedClock
from pytest_replay.clock.observed import ObservedClock
from pytest_replay.clock.sleeps import Sleep
from pytest_replay.clock.stalls import Stall
from pytest_replay.clock.wall import real_time
from pytest_replay.clock.zones import zone_here

__all__ = ["ObservedClock", "RecordedClock", "Sleep", "Stall", "real_time", "zone_here"]
