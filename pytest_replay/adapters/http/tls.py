"""In replay, and only there, one SSL context serves every client: making one costs 16-33 ms, and none is used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pytest_replay.active import innermost

if TYPE_CHECKING:
    from collections.abc import Callable


def shared_in_replay(create: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a library's `create_ssl_context`: the plain ones are made once while a session only replays."""
    made: dict[tuple[Any, ...], Any] = {}

    def create_ssl_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> Any:  # noqa: FBT001, FBT002  # the library's signature
        session = innermost()
        if session is None or session.records or cert is not None or not isinstance(verify, bool):
            return create(verify=verify, cert=cert, trust_env=trust_env)
        key = (verify, trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        if key not in made:
            made[key] = create(verify=verify, cert=cert, trust_env=trust_env)
        return made[key]

    return create_ssl_context
