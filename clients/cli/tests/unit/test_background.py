"""Work in the background, as `docstore up --detach` does it."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys, time
from pathlib import Path
from docstore_cli import options
from docstore_cli.stack.background import has_ended, in_background

def work():
    options.console.print("session", os.getsid(0) == os.getpid(), "input", os.read(0, 1))
    options.errors.print("failure")
    raise options.failed("no port is free", 6)

child = in_background(work, Path(sys.argv[1]))
while not has_ended(child):
    time.sleep(0.01)
print("started", child != os.getpid())
"""


def test_work_in_the_background_has_left_the_terminal(tmp_path: Path) -> None:
    """It has a session of its own and no input; what it prints, and why it fails, is in its log."""
    log = tmp_path / "up.log"
    shown = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(log)], input="typed", capture_output=True, text=True, check=True
    )
    assert (shown.stdout, shown.stderr) == ("started True\n", "")
    assert log.read_text() == "session True input b''\nfailure\nerror: no port is free\n"
