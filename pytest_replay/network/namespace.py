"""A network namespace with loopback and nothing else: what the rule `isolated` puts a test into. Linux only.

It holds the thread that enters it and all that this thread starts while inside: threads, child processes, and
C code that opens its own sockets. Threads that ran before (a pool's, a loop's of wider scope) stay outside,
and so do sockets that were open. What isolation alone stops fails as on a machine without a network, and is
not told.

To enter one and to come back takes CAP_SYS_ADMIN. A process without it could make a user namespace and be
root in there, but only while it has a single thread, and it could not come back: no way for one test. It is
one for a whole run, from outside: `unshare --map-root-user --net pytest` (util-linux; Ubuntu since 24.04
allows it after `sysctl kernel.apparmor_restrict_unprivileged_userns=0`).
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys

from pytest_replay.errors import SettingsError

_CURRENT = "/proc/thread-self/ns/net"
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_SIOCSIFFLAGS = 0x8914  # linux/sockios.h
_IFF_UP = 0x1  # linux/if.h

_REMEDIES = """
what to do next:
  run pytest as root (in a container: --cap-add SYS_ADMIN)
  or run it all without a network, as any user: unshare --map-root-user --net pytest
  or leave `isolated` out of replay_network: sockets opened by Python code are refused all the same"""


class Namespace:
    """One namespace for the run, made when it is first entered, so that sessions which nest meet in it."""

    __slots__ = ("_inside", "_libc")

    def __init__(self) -> None:
        """Raise SettingsError where there are no network namespaces."""
        if sys.platform != "linux":
            raise SettingsError(f'replay_network = "isolated" needs Linux, and this is {sys.platform}')
        self._inside: int | None = None
        self._libc = ctypes.CDLL(None, use_errno=True)

    def enter(self) -> int:
        """Move the calling thread in, and return what `leave` takes. Raises SettingsError if refused."""
        try:
            return self._enter()
        except OSError as error:
            raise SettingsError(
                'replay_network = "isolated" needs a network namespace, and this process may not make one: '
                f"{error.strerror}\n{_REMEDIES}"
            ) from error

    def leave(self, home: int) -> None:
        """Move the calling thread, the same one that entered, back to where it was."""
        self._move(home)
        os.close(home)

    def _enter(self) -> int:
        home = os.open(_CURRENT, os.O_RDONLY)
        try:
            if self._inside is None:
                self._inside = self._make(home)
            self._move(self._inside)
        except OSError:
            os.close(home)
            raise
        return home

    def _make(self, home: int) -> int:
        self._move(home)  # the way back takes more privilege than the way out: try it first
        self._call("unshare", _CLONE_NEWNET)
        try:
            _bring_up_loopback()
            return os.open(_CURRENT, os.O_RDONLY)
        finally:
            self._move(home)

    def _move(self, namespace: int) -> None:
        self._call("setns", namespace, _CLONE_NEWNET)

    def _call(self, name: str, *args: int) -> None:
        if self._libc[name](*args) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"{name}: {os.strerror(code)}")


def _bring_up_loopback() -> None:
    from fcntl import ioctl  # noqa: PLC0415 - there is none on Windows

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP))
