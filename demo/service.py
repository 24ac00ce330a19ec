"""The stand-in that the demo records: a little of PokeAPI and a little of Schematic, on loopback."""

from __future__ import annotations

import json
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SEEN: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    """Answers as the real services would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        SEEN[self.path] += 1
        if self.path == "/api/v2/pokemon/pikachu":
            healthy = SEEN[self.path] > 2  # twice it fails
            self.answer(
                200 if healthy else 503, {"id": 25, "name": "pikachu"} if healthy else {"detail": "busy"}
            )
        else:
            self.answer(404, {"detail": "not found"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/check"):
            allowed = asked["company"]["id"] == "acme"
            data = {"flag": self.path.split("/")[2], "value": allowed, "reason": "rule", "flag_id": "flag_1"}
            self.answer(200, {"data": data, "params": {}})
        else:
            self.answer(200, {})

    def answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name for it
        """Stay quiet."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
