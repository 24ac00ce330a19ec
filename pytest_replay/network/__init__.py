"""The guard: no packet leaves a replayed test.

While it is armed, any host that any thread of the process connects to, sends to or looks up is refused,
unless the rules allow it. CPython's audit events tell of it (PEP 578), so it does not matter which library
opens the socket: httpx, urllib, http.client, asyncio, trio, a driver in Python.

Stays allowed: AF_UNIX and the other families that end in this machine's kernel; binding, listening and
accepting; lookups that ask nobody (numeric addresses, `localhost`, the machine's own name); starting processes.
Loopback is refused like any other host, for the services that tests record live there.

What raises no audit event goes unseen, and only the rule `isolated` covers it (see `namespace`):

- C extensions that open sockets themselves: uvloop, grpc, psycopg, pycurl;
- child processes;
- asyncio's proactor loop on Windows, where it connects to a numeric address;
- connections that were open before the guard was armed. These not even `isolated` cuts.
"""

from pytest_replay.network.guard import Guard
from pytest_replay.network.rules import NetworkRules, read_host

__all__ = ["Guard", "NetworkRules", "read_host"]
