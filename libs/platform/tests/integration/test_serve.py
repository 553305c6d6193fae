"""A service in a process of its own: starts, answers, finishes what it is doing, ends."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

SERVICE = """
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fastapi import FastAPI
from docstore_platform.service.serve import serve

@asynccontextmanager
async def lifespan(app):
    if {broken}:
        raise RuntimeError("no database")
    yield
    print("closed", flush=True)

def create_app():
    app = FastAPI(lifespan=lifespan)

    @app.get("/slow")
    async def slow():
        print("begun", flush=True)
        await asyncio.sleep(0.5)
        return type(asyncio.get_running_loop()).__module__

    return app

serve(create_app, "quota")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(port: int, *, broken: bool = False, gap_seconds: int = 0) -> subprocess.Popen[str]:
    environment = os.environ | {"HOST": "127.0.0.1", "PORT": str(port), "DOCSTORE_INTERNAL_SECRET": "s"}
    environment["READINESS_GAP_SECONDS"] = str(gap_seconds)
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE.format(broken=broken)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise AssertionError("the service does not listen")


def get(connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer


def test_it_leaves_before_it_stops() -> None:
    """After the stop signal it is not ready but serves on, old and new connections alike, each for one more answer."""
    port = free_port()
    process = start(port, gap_seconds=3)
    try:
        wait_until_it_listens(port)
        kept = http.client.HTTPConnection("127.0.0.1", port)
        assert get(kept, "/slow").getheader("connection") is None
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        while (answer := get(http.client.HTTPConnection("127.0.0.1", port), "/readyz")).status != 503:
            assert time.monotonic() < deadline
        assert answer.getheader("connection") == "close"
        for connection in (kept, http.client.HTTPConnection("127.0.0.1", port)):
            last = get(connection, "/slow")
            assert (last.status, last.getheader("connection")) == (200, "close")
        output, _ = process.communicate(timeout=10)
        assert output.endswith("closed\n")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    process = start(port)
    try:
        wait_until_it_listens(port)
        yield process, port
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_running_requests_are_finished_at_shutdown(
    running: tuple[subprocess.Popen[str], int], stop: signal.Signals
) -> None:
    """Stopped in the middle of a request, it answers, closes its resources and ends with status 0; uvloop runs it."""
    process, port = running
    answers: list[bytes] = []

    def ask() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/slow") as response:
            answers.append(response.read())

    asking = threading.Thread(target=ask)
    asking.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(stop)
    asking.join(timeout=10)
    output, _ = process.communicate(timeout=10)
    assert answers == [b'"uvloop"']
    assert output == "closed\n"
    assert process.returncode == 0


def test_a_service_that_can_not_start_ends_with_an_error() -> None:
    """Its supervisor sees a status other than 0, and the log has the reason as one JSON object a line."""
    process = start(free_port(), broken=True)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "no database" in errors
    assert all(line.startswith("{") for line in errors.splitlines())
    assert '"service":"quota"' in errors
