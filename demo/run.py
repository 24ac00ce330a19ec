"""Record a small suite of two SDKs, stop the service, replay the suite with the network refused.

And replay what a third one said over a RabbitMQ: its cassettes are checked in, no broker is asked for.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE.parent / ".demo"


def main() -> int:
    """Run the demo; the exit status says whether all of it worked."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    shutil.copy(HERE / "suite.py", PLACE / "test_sdks.py")
    port = free_port()
    service = subprocess.Popen([sys.executable, HERE / "service.py", str(port)])
    try:
        wait_for(port)
        say("The service is up. Recording:  pytest --record")
        recorded = run_pytest(port, "--record")
    finally:
        service.terminate()
        service.wait()
    say("The service is gone. Replaying, with the network refused:  pytest")
    replayed = run_pytest(port)
    tape = PLACE / "cassettes/test_sdks/test_schematic_asks_once_for_each_company.yaml"
    if tape.is_file():
        say(f"What was checked in: {tape.relative_to(HERE.parent)}")
        print("\n".join(tape.read_text(encoding="utf-8").splitlines()[:62]))
    say("What MetricQ said over a RabbitMQ, replayed with none:  pytest tests/sdk -k metricq")
    spoken = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "metricq", "tests/sdk"], cwd=HERE.parent, check=False
    ).returncode
    return recorded or replayed or spoken


def run_pytest(port: int, *options: str) -> int:
    quiet = ["-q", "-o", "asyncio_default_fixture_loop_scope=function"]
    command = [sys.executable, "-m", "pytest", "--rootdir=.", "-c", os.devnull, *quiet, *options]
    environment = {**os.environ, "DEMO_SERVICE": f"http://127.0.0.1:{port}"}
    return subprocess.run(command, cwd=PLACE, env=environment, check=False).returncode


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"the service did not start on port {port}")


def say(text: str) -> None:
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
