"""Isolation: what raises no audit event is held by a network namespace."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fixtures.guarded import Listener, armed, listening
from fixtures.ways_out import by_connect
from pytest_replay.errors import SettingsError
from pytest_replay.network import Guard, NetworkRules


def _may_isolate() -> bool:
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and subprocess.run([unshare, "--net", "true"], capture_output=True, check=False).returncode == 0
    )


def _must_isolate() -> bool:
    return sys.platform == "linux" and bool(os.environ.get("CI")) and os.geteuid() == 0


needs_privilege = pytest.mark.skipif(
    not _must_isolate() and not _may_isolate(),
    reason="needs Linux and CAP_SYS_ADMIN: run as root, or under `unshare --map-root-user --net`",
)
CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1]))).close()"


def child(port: int) -> int:
    return subprocess.run(
        [sys.executable, "-c", CONNECT, str(port)], check=False, capture_output=True, timeout=20
    ).returncode


async def by_uvloop(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()


def by_libc(port: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    peer = (
        socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
    )
    with socket.socket() as sock:
        if libc.connect(sock.fileno(), peer, len(peer)) != 0:
            raise OSError(ctypes.get_errno(), "connect")


@needs_privilege
def test_isolation_holds_what_raises_no_audit_event(listener: Listener) -> None:
    with armed("isolated") as refusals, pytest.raises(ConnectionRefusedError):
        by_libc(listener.port)

    assert listener.arrivals == 0
    assert refusals.errors == []
    by_libc(listener.port)
    assert listener.arrivals == 1


@needs_privilege
def test_isolation_holds_uvloop(listener: Listener) -> None:
    uvloop = pytest.importorskip("uvloop", reason="needs uvloop")

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(by_uvloop(listener.port))

    with armed():
        run()
    assert listener.arrivals == 1  # this is why isolation exists
    with armed("isolated"), pytest.raises(ConnectionRefusedError):
        run()
    assert listener.arrivals == 0


@needs_privilege
def test_isolation_holds_child_processes(listener: Listener) -> None:
    with armed("isolated"):
        assert child(listener.port) == 1
    assert listener.arrivals == 0
    assert child(listener.port) == 0
    assert listener.arrivals == 1


@needs_privilege
def test_isolation_holds_threads_that_are_started_in_it_even_after_its_end(listener: Listener) -> None:
    leave = threading.Event()
    raised: list[OSError] = []

    def run() -> None:
        leave.wait(5)
        try:
            by_libc(listener.port)
        except OSError as error:
            raised.append(error)

    with armed("isolated"):
        thread = threading.Thread(target=run)
        thread.start()
    leave.set()
    thread.join()

    assert listener.arrivals == 0
    assert isinstance(raised[0], ConnectionRefusedError)


@needs_privilege
def test_an_isolated_test_may_serve_itself_on_loopback() -> None:
    with armed("isolated", "localhost") as refusals:
        for family, host in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
            with listening(family, host) as inside:
                socket.create_connection((host, inside.port)).close()
                assert inside.arrivals == 1

    assert refusals.errors == []


@needs_privilege
def test_nested_isolation_meets_in_one_namespace(listener: Listener) -> None:
    with armed("isolated", "localhost"), listening(socket.AF_INET, "127.0.0.1") as inside:
        with armed("isolated", "localhost"):
            by_connect(inside.port)
        by_connect(inside.port)
        assert inside.arrivals == 2
    by_connect(listener.port)
    assert listener.arrivals == 1


@needs_privilege
def test_isolation_leaves_no_descriptor_of_the_outer_namespace_open() -> None:
    def open_namespaces() -> list[str]:
        links = (str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink())
        return [link for link in links if link.startswith("net:")]

    with armed("isolated"):
        pass
    before = open_namespaces()
    with armed("isolated"):
        assert len(open_namespaces()) == len(before) + 1

    assert open_namespaces() == before


ISOLATE = """
import os
from pytest_replay.network import Guard, NetworkRules
guard = Guard()
before = os.readlink("/proc/thread-self/ns/net")
try:
    guard.arm(NetworkRules.parse(["isolated"], source="replay_network"), print)
    guard.disarm()
finally:
    print("at home" if os.readlink("/proc/thread-self/ns/net") == before else "lost")
"""


def _in_user_namespace(*options: str) -> subprocess.CompletedProcess[str]:
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run([unshare, *options, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0")
    return subprocess.run(
        [unshare, *options, sys.executable, "-c", ISOLATE], capture_output=True, text=True, check=False
    )


def test_isolation_that_could_not_be_left_again_is_not_entered() -> None:
    """Root of a user namespace may leave the machine's network, and could never come back."""
    done = _in_user_namespace("--map-root-user")

    assert done.stdout == "at home\n"
    assert done.returncode == 1
    assert "SettingsError: replay_network = " in done.stderr
    assert "Operation not permitted" in done.stderr
    assert "unshare --map-root-user --net pytest" in done.stderr


def test_isolation_works_for_any_user_in_a_run_without_network() -> None:
    done = _in_user_namespace("--map-root-user", "--net")

    assert done.stderr == ""
    assert done.stdout == "at home\n"
    assert done.returncode == 0


def test_isolation_elsewhere_than_linux_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    guard = Guard()

    with pytest.raises(SettingsError, match="needs Linux, and this is darwin"):
        guard.arm(NetworkRules.parse(["isolated"], source="replay_network"), lambda _: None)
    with pytest.raises(RuntimeError, match="not armed"):
        guard.disarm()
