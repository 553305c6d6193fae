"""The data folder's state file and lock."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from docstore_standalone.credentials import CREDENTIALS_FILE, load_credentials
from docstore_standalone.state import (
    STATE_FILE,
    AlreadyRunning,
    StackLock,
    StackState,
    read_state,
    running_state,
    write_state,
)
from docstore_standalone.supervision.processes import ProcessId, end_leftover


def test_state_comes_back_as_written(tmp_path: Path) -> None:
    """Ports, processes and addresses survive the file."""
    state = StackState(ports={"s3": 20_001}, processes={"s3": ProcessId(7, 1.5)}, addresses={"s3": "http://x"})
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


def test_a_new_folder_has_an_empty_state(tmp_path: Path) -> None:
    """The first start needs no file."""
    assert read_state(tmp_path) == StackState()
    assert running_state(tmp_path) is None


def test_one_stack_per_folder(tmp_path: Path) -> None:
    """The second is refused with the process that is in the way."""
    with StackLock(tmp_path):
        write_state(tmp_path, StackState(supervisor=ProcessId.of(os.getpid())))
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            StackLock(tmp_path).acquire()
        running = running_state(tmp_path)
        assert running is not None
        assert running.supervisor == ProcessId.of(os.getpid())
    assert running_state(tmp_path) is None


def test_secrets_are_random_kept_and_private(tmp_path: Path) -> None:
    """Two folders differ, one folder stays the same, and only the owner may read the files."""
    first, again, other = (load_credentials(folder) for folder in (tmp_path, tmp_path, tmp_path / "other"))
    assert first == again
    assert first.root != other.root
    assert first.service_keys["quota"] != other.service_keys["quota"]
    write_state(tmp_path, StackState())
    for name in (CREDENTIALS_FILE, STATE_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert first.root.secret_access_key not in repr(first)


def test_a_leftover_server_is_ended() -> None:
    """A process that a killed run left is found by id and start time, and is gone afterwards."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        identity = ProcessId.of(process.pid)
        assert end_leftover(identity)
        assert identity.find() is None
    assert not end_leftover(identity)


def test_a_process_that_only_has_the_same_number_is_left_alone() -> None:
    """Process ids are used again: the start time must match too."""
    outsider = ProcessId(os.getpid(), ProcessId.of(os.getpid()).started_at - 3600)
    assert not end_leftover(outsider)
