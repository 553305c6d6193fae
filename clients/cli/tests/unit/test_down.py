"""`docstore down` reports what it did."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_standalone.state import StackLock, StackState, running_state, write_state
from docstore_standalone.supervision.processes import ProcessId

STACK = """
import os, signal, sys
from pathlib import Path
from docstore_standalone.state import StackLock, StackState, write_state
from docstore_standalone.supervision.processes import ProcessId

folder = Path(sys.argv[1])
with StackLock(folder):
    write_state(folder, StackState(supervisor=ProcessId.of(os.getpid())))
    print("running", flush=True)
    signal.pause()
"""


def test_nothing_to_stop(tmp_path: Path) -> None:
    """A folder without a running stack is no error."""
    shown = CliRunner().invoke(app, ["down", "--data", str(tmp_path)])
    assert (shown.exit_code, shown.stdout) == (0, "Nothing is running.\n")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are found by the clock")
def test_a_stack_is_stopped_after_a_step_of_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has ended and the folder is free once the command has."""
    with subprocess.Popen([sys.executable, "-c", STACK, str(tmp_path)], stdout=subprocess.PIPE) as stack:
        assert stack.stdout is not None
        try:
            assert stack.stdout.readline() == b"running\n"
            monkeypatch.setattr(psutil.Process, "create_time", lambda self: 0.0)
            shown = CliRunner().invoke(app, ["down", "--data", str(tmp_path)])
            assert running_state(tmp_path) is None
        finally:
            stack.kill()  # unless it has ended
    assert (shown.exit_code, shown.stdout) == (0, "Stopped.\n")
    assert stack.returncode == -signal.SIGTERM


@pytest.mark.parametrize("supervisor", [None, ProcessId(os.getpid(), 1.5)])
def test_a_process_that_is_not_found_is_not_reported_as_stopped(tmp_path: Path, supervisor: ProcessId | None) -> None:
    """As of a stack in a container on the same folder, and of one that is just being started."""
    write_state(tmp_path, StackState(supervisor=supervisor))
    with StackLock(tmp_path):
        shown = CliRunner().invoke(app, ["down", "--data", str(tmp_path)])
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert "is not found" in shown.stderr
