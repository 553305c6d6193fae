"""`make demo` runs with the intervals of a deployment."""

from pathlib import Path

import pytest
from shell import Shell
from stacks import processes_of

from docstore_cli.demo.documents import DOCUMENTS

pytestmark = [pytest.mark.connected, pytest.mark.faults]


async def test_the_demo_shows_the_main_job_and_leaves_nothing_running(tmp_path: Path) -> None:
    """On an empty folder it succeeds without a terminal, finds every document by its text, and ends its stack."""
    data = tmp_path / "data"
    shown = await Shell(tmp_path / "home").done("demo", "--data", data)
    for event in ("upload-completed", "usage-changed", "file-indexed", "notification-sent"):
        assert event in shown
    for document in DOCUMENTS:
        assert document.word in shown.partition("Search in the text")[2]
    assert processes_of(data) == []


async def test_the_demo_runs_on_a_stack_that_is_up(tmp_path: Path) -> None:
    """Beside the person's own stack it starts none, and leaves it running."""
    data = tmp_path / "data"
    shell = Shell(tmp_path / "home")
    await shell.done("up", "--detach", "--data", data)
    try:
        assert "notification-sent" in await shell.done("demo", "--data", data)
        assert "notification-sent" in await shell.done("demo", "--data", data), "a second time, too"
    finally:
        await shell.done("down", "--data", data)
