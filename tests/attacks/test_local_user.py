"""Another user of the machine gets nothing: no file, database, object, event or mail, no secret of a process."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from stacks import DetachedStack

pytestmark = pytest.mark.attack

NOBODY = 65_534
NOTHING = {
    "PermissionError",
    "OperationFailure",
    "ConnectionResetError",
    "SSLError",
    "BrokenPipeError",
    "RemoteDisconnected",
    "BadStatusLine",
    "got b''",
    "got 401",
    "got 403",
    "got 404",
}
TLS_ALERT = "got b'\\x15\\x03"
"""Errors of a server that requires TLS, or a certificate."""


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT PROVEN here that others get nothing: only root can become one")
async def test_another_user_gets_nothing(stack: DetachedStack) -> None:
    """He reaches every port of the loopback address, and /tmp."""
    state = stack.state
    processes = {name: process.pid for name, process in state.processes.items()}
    attacker = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("other_user.py")),
        *(str(NOBODY), str(stack.data), json.dumps(state.ports), json.dumps(processes)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await attacker.communicate()
    tries: dict[str, str] = json.loads(output)
    assert int(tries.pop("sockets")) > 0
    assert len(tries) > 30
    got = {name: what for name, what in tries.items() if what not in NOTHING and not what.startswith(TLS_ALERT)}
    assert got == {}
