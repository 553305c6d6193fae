"""Rotation of log files that a process keeps open."""

import os
from pathlib import Path

import pytest

from docstore_standalone.log_rotation import rotate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "short.log").write_bytes(b"short\n")
    return tmp_path


def test_a_long_log_moves_while_its_server_writes_on(folder: Path) -> None:
    """Nothing of what was written is lost, the file begins anew, and both are private; twice."""
    long = folder / "long.log"
    server = os.open(long, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.write(server, b"%d: long enough\n" % number)
        rotate(folder, longest_bytes=10)
        assert (folder / "long.log.1").read_bytes() == b"%d: long enough\n" % number
        assert long.read_bytes() == b""
    os.write(server, b"next\n")
    rotate(folder, longest_bytes=10)
    os.close(server)
    assert long.read_bytes() == b"next\n"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.glob("long*")} == {
        "long.log": 0o600,
        "long.log.1": 0o600,
    }


def test_other_files_stay(folder: Path) -> None:
    """Short logs, those that were moved, and files that are no logs."""
    (folder / "old.log.1").write_bytes(b"moved before\n")
    (folder / "state.json").write_bytes(b"much longer than a log may be")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rotate(folder, longest_bytes=10)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
