"""Every service in one process, without the services."""

import os
import socket
import subprocess
import sys

WITHOUT_SERVICES = """
from fastapi import FastAPI
from docstore_standalone import services

services.CREATE_APP.clear()
services.docstore_gateway.app.create_app = lambda settings: FastAPI()
services.main()
"""


def test_a_port_in_use_is_one_clear_line() -> None:
    """Not a traceback of groups of exceptions; the status is that of a service on its own."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = {**os.environ, "HOST": "127.0.0.1", "PORT": port, "DOCSTORE_LOG_JSON": "true"}
        ended = subprocess.run(
            [sys.executable, "-c", WITHOUT_SERVICES], env=environment, capture_output=True, text=True, timeout=60
        )
    [line] = ended.stderr.splitlines()
    assert "cannot_listen" in line
    assert f"ports [{port}]" in line
    assert "in use" in line
    assert (ended.returncode, ended.stdout) == (3, "")
