"""The clock of a process, and how it is set wrong in a running stack."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docstore_platform import clock
from docstore_platform.clock import SKEW_FILE, unix_time, utc_now
from docstore_platform.testing import eventually


@pytest.fixture
def skew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of this process, which is not there yet."""
    monkeypatch.setenv(SKEW_FILE, str(tmp_path / "skew"))
    monkeypatch.setattr(clock, "_skew", clock._Skew())
    return tmp_path / "skew"


def say(path: Path, offset: float, seconds: float) -> None:
    path.write_text(f"{offset} {time.time() + seconds}")


def ahead() -> float:
    return (utc_now() - datetime.now(UTC)).total_seconds()


async def ahead_by(seconds: float) -> None:
    async def probe() -> bool:
        return abs(ahead() - seconds) < 1

    await eventually(probe, every=0.05)


async def test_a_running_process_takes_the_offset_and_leaves_it(skew: Path) -> None:
    """Within a second of the file's appearance and disappearance, in both forms of the time."""
    await ahead_by(0)
    say(skew, -600, 60)
    await ahead_by(-600)
    assert unix_time() - time.time() == pytest.approx(-600, abs=1)
    os.unlink(skew)
    await ahead_by(0)


async def test_an_offset_ends_by_itself(skew: Path) -> None:
    """Though its file stays, when no one is left to remove it."""
    say(skew, 600, 1.5)
    await ahead_by(600)
    await ahead_by(0)
    assert [path.name for path in os.scandir(skew.parent)] == ["skew"]


@pytest.mark.parametrize("text", ["", "1", "x y", "600 0"])
def test_a_file_without_an_offset_changes_nothing(skew: Path, text: str) -> None:
    """Nor does one that is long over."""
    skew.write_text(text)
    assert abs(ahead()) < 1
