"""The data folder's state file and lock."""

import fcntl
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from docstore_standalone.credentials import CREDENTIALS_FILE, load_credentials
from docstore_standalone.ports import PortBook
from docstore_standalone.state import (
    LOCK_FILE,
    STATE_FILE,
    AlreadyRunning,
    StackLock,
    StackState,
    StateFile,
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


def someone_looks(folder: Path) -> int:
    """Look whether a stack runs, as another process does; return the file, which holds the lock until it is closed."""
    file = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def test_a_start_waits_for_those_who_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold the lock for a moment; it is no other stack."""
    file = someone_looks(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda seconds: os.close(file))
    with StackLock(tmp_path):
        assert running_state(tmp_path) is not None


def test_two_who_look_at_once_see_no_stack(tmp_path: Path) -> None:
    """Neither takes the other for one."""
    file = someone_looks(tmp_path)
    assert running_state(tmp_path) is None
    os.close(file)


def test_a_full_disk_stops_no_process(tmp_path: Path) -> None:
    """What could not be recorded then is recorded with the next change."""
    file = StateFile(tmp_path, PortBook(), CREDENTIALS_FILE)
    file.write()
    known, obstacle = {"s3": ProcessId.of(os.getpid())}, tmp_path / f"{STATE_FILE}.new"
    obstacle.mkdir()
    file.processes(known)
    assert read_state(tmp_path).processes == {}
    obstacle.rmdir()
    file.write({"s3": "http://x"})
    assert read_state(tmp_path).processes == known


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
    this = ProcessId.of(os.getpid())
    assert not end_leftover(ProcessId(this.pid, this.started_at - 3600, this.boot))
    assert not end_leftover(ProcessId(this.pid, psutil.Process().create_time() - 3600))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts from the boot")
def test_a_process_is_found_after_a_step_of_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its start time by the clock is another one then; in a state file it is counted from the boot."""
    write_state(tmp_path, StackState(supervisor=ProcessId.of(os.getpid())))
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: 0.0)
    known = read_state(tmp_path).supervisor
    assert known is not None
    assert known.find() is not None
    assert ProcessId(known.pid, known.started_at + 0.01, known.boot).find() is None
    assert ProcessId(known.pid, known.started_at, "another boot").find() is None


def test_a_process_in_a_state_of_an_earlier_version_is_found(tmp_path: Path) -> None:
    """By its start time by the clock: `docstore down` stops a stack that was started before an upgrade."""
    old = {"pid": os.getpid(), "started_at": psutil.Process().create_time()}
    (tmp_path / STATE_FILE).write_text(json.dumps({"supervisor": old}))
    known = read_state(tmp_path).supervisor
    assert known is not None
    assert known.find() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such files")
def test_a_process_may_have_any_name(tmp_path: Path) -> None:
    """One that looks like more fields of its state."""
    program = tmp_path / "a) S 1 2"
    program.symlink_to(sys.executable)
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    with subprocess.Popen([program, "-c", "import signal; signal.pause()"]) as process:
        started_at = ProcessId.of(process.pid).started_at
        process.kill()
    assert before - 0.01 <= started_at <= time.clock_gettime(time.CLOCK_BOOTTIME)
