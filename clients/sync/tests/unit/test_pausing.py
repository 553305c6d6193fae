"""Pausing of a folder while it is synced."""

from pathlib import Path

import pytest

from docstore_sync.pausing import Paused, pause, resume, run_unpaused
from docstore_sync.state_folder import state_folder


async def test_work_that_sees_the_mark_first_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refusal to go on is not an error of the engine."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    state_folder(tmp_path).mkdir(parents=True)
    begun = []

    async def work() -> None:
        begun.append(1)
        if len(begun) == 1:
            pause(tmp_path)
            raise Paused

    await run_unpaused(tmp_path, work, lambda: resume(tmp_path))
    assert len(begun) == 2
