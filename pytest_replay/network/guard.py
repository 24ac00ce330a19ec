"""The guard itself: judges each way out by the rules, tells the session of a refusal, and raises it."""

from __future__ import annotations

import socket
import sys
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from socket import getaddrinfo
from traceback import walk_stack
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_replay.errors import NetworkBlockedError
from pytest_replay.network.rules import Host, NetworkRules, read_host
from pytest_replay.raising import raisable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from pytest_replay.network.namespace import Namespace

_REACHES = {"socket.connect": "connect to", "socket.sendto": "send to", "socket.sendmsg": "send to"}
_ASKS = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
_ASKS_BACK = frozenset({"socket.gethostbyaddr", "socket.getnameinfo"})
"""They ask for the name of an address; given one, the others ask nobody."""
_EVENTS = _ASKS | _REACHES.keys()

_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_KERNEL = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)
"""Families that no packet leaves the machine by."""
_ANSWERED_HERE: frozenset[Host] = frozenset({"", "localhost", IPv4Address("127.0.0.1"), IPv6Address("::1")})
"""What the hosts file of any machine knows; so a test's own server can bind."""

_RESOLVING = {
    name: call
    for name, call in {
        "connect": ("socket.connect", 0),
        "connect_ex": ("socket.connect", 0),
        "sendto": ("socket.sendto", -1),
        "sendmsg": ("socket.sendmsg", 3),
    }.items()
    if hasattr(socket.socket, name)
}
"""Methods that resolve a name before they audit: the event that they raise, and where the address stands."""

_LAYERS = sys.stdlib_module_names | {
    "aiohappyeyeballs",
    "aiohttp",
    "anyio",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "httpx_aiohttp",
    "pytest_replay",
    "requests",
    "trio",
    "urllib3",
}
"""Packages that reach out on behalf of others."""


@dataclass(frozen=True, slots=True)
class _Armed:
    rules: NetworkRules
    refused: Callable[[NetworkBlockedError], None]
    home: int | None
    """The network namespace that the thread came from, where it is isolated."""
    outer: _Armed | None


class Guard:
    """Refuses what leaves the process while it is armed. One for a run."""

    __slots__ = ("_armed", "_asking", "_hooked", "_names", "_namespace", "_own_name", "_placed")

    def __init__(self) -> None:
        self._armed: _Armed | None = None
        self._hooked = False
        self._namespace: Namespace | None = None
        self._placed: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {}
        """The methods of socket that the guard put in place, each with the one that stood there."""
        self._names: dict[Host, set[str]] = {}
        """The allowed names that were looked up, by their addresses."""
        self._asking: set[int] = set()
        """The threads in which the guard itself is looking up a name."""
        self._own_name = read_host(socket.gethostname())
        """What this machine's hosts file knows, too."""

    def install(self) -> None:
        """Add the audit hook, once. It stays for good, and costs next to nothing while disarmed."""
        if not self._hooked:
            sys.addaudithook(self._audit)
            self._hooked = True

    def arm(self, rules: NetworkRules, refused: Callable[[NetworkBlockedError], None]) -> None:
        """Refuse from now on, in every thread, what `rules` don't allow.

        `refused` is called in the thread that tries, before the error is raised there. Arming nests: the
        innermost rules count. Raises SettingsError, and arms nothing, where isolation is asked for and can't
        be had.
        """
        home = self._isolate() if rules.isolated else None
        self.install()
        if self._armed is None:
            self._judge_before_resolving()
        self._armed = _Armed(rules, refused, home, self._armed)

    def disarm(self) -> None:
        """Undo the last `arm`, in the thread that called it."""
        armed = self._armed
        if armed is None:
            raise RuntimeError("the guard is not armed")
        self._armed = armed.outer
        if armed.outer is None:
            self._restore()
        if armed.home is not None and self._namespace is not None:
            self._namespace.leave(armed.home)

    def _isolate(self) -> int:
        if self._namespace is None:
            from pytest_replay.network.namespace import Namespace  # noqa: PLC0415 - loads ctypes, for the few

            self._namespace = Namespace()
        return self._namespace.enter()

    def _judge_before_resolving(self) -> None:
        for name, (event, position) in _RESOLVING.items():
            judged = self._judged(getattr(socket.socket, name), event, position)
            self._placed[name] = judged, vars(socket.socket).get(name)
            setattr(socket.socket, name, judged)

    def _judged(self, method: Callable[..., Any], event: str, position: int) -> Callable[..., Any]:
        def judged(sock: socket.socket, *args: Any) -> Any:
            if -len(args) <= position < len(args):
                self._audit(event, (sock, args[position]))
            return method(sock, *args)

        return judged

    def _restore(self) -> None:
        for name, (ours, theirs) in self._placed.items():
            if vars(socket.socket).get(name) is not ours:
                continue  # someone else has patched it since
            if theirs is None:
                delattr(socket.socket, name)
            else:
                setattr(socket.socket, name, theirs)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        armed = self._armed
        if armed is None or event not in _EVENTS or armed.rules.everything:
            return
        if event in _REACHES:
            self._judge_reach(armed, event, args[0], args[1])
        else:
            self._judge_question(armed, event, args[0])

    # CPython asks for this at each event (may a tracer see the hook?), and to find none costs it 400 ns.
    _audit.__cantrace__ = False  # type: ignore[attr-defined]

    def _judge_reach(self, armed: _Armed, event: str, sock: socket.socket, address: Any) -> None:
        if address is None or sock.family in _KERNEL:
            return
        match address:
            case (host, port, *_) if sock.family in _INTERNET:
                peer = read_host(host)
                known_as = (peer, *tuple(self._names.get(peer, ())))
                if any(armed.rules.allow(name, port) for name in known_as):
                    return
                where = f"{peer}:{port}" if sock.family == socket.AF_INET else f"[{peer}]:{port}"
            case _:
                where = f"{address!r} ({sock.family!r})"
        if _called_by("socket", "socketpair", "_fallback_socketpair"):
            return  # Windows makes its pairs, and so each event loop, of two loopback sockets
        if event == "socket.connect" and sock.gettimeout() != 0:
            sock.close()  # who connects and waits often closes it on an OSError only: it would leak
        _refuse(armed, f"{_REACHES[event]} {where}")

    def _judge_question(self, armed: _Armed, event: str, subject: Any) -> None:
        asked = subject[0] if event == "socket.getnameinfo" else subject
        host = read_host(asked)
        if host in _ANSWERED_HERE or (not isinstance(host, str) and event not in _ASKS_BACK):
            return
        if armed.rules.allow(host, None):
            if isinstance(host, str):
                self._remember(host, asked)
        elif host != self._own_name:
            _refuse(armed, f"look up {host}")

    def _remember(self, name: str, asked: Any) -> None:
        """Ask what is about to be asked: a hook sees no answers, and a connection goes to an address."""
        thread = threading.get_ident()
        if thread in self._asking:
            return
        self._asking.add(thread)
        try:
            answers = getaddrinfo(asked, None)
        except OSError:
            return  # and so will the one who asks
        finally:
            self._asking.discard(thread)
        for *_, address in answers:
            self._names.setdefault(read_host(address[0]), set()).add(name)


def _refuse(armed: _Armed, attempt: str) -> NoReturn:
    error = NetworkBlockedError(attempt, who=_who())
    armed.refused(error)
    raise raisable(error)


def _who() -> str:
    """Name the innermost frame that acts for itself; in a pool's thread there may be none: the innermost."""
    theirs = [frame for frame in _frames() if _package(frame) != "pytest_replay"]
    frame = next((frame for frame in theirs if _package(frame) not in _LAYERS), theirs[0])
    code = frame.f_code
    return (
        f"{code.co_filename}:{frame.f_lineno} in {code.co_name}, thread {threading.current_thread().name!r}"
    )


def _called_by(module: str, *functions: str) -> bool:
    return any(
        frame.f_globals.get("__name__") == module and frame.f_code.co_name in functions for frame in _frames()
    )


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def _frames() -> list[FrameType]:
    return [frame for frame, _ in walk_stack(sys._getframe())]  # noqa: SLF001 - innermost first
