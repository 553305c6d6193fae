"""Processes that are forked from one which has imported everything."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from docstore_platform.testing import eventually
from docstore_standalone.supervision.forker import ForkedProcess, Forker
from docstore_standalone.supervision.prefork import Job
from docstore_standalone.supervision.processes import ServerFailed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")

ANSWERER = """
import os, signal, sys
from docstore_platform.service.start_signal import wait_for_start_signal
if os.environ["WORD"] == "prepared":
    print("prepared", flush=True)
    wait_for_start_signal()
print(os.environ["WORD"], "docstore_quota.app" in sys.modules, os.getsid(0) == os.getpid(), flush=True)
if os.environ["WORD"] == "wait":
    signal.pause()
sys.exit(7)
"""


@pytest.fixture
async def forker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Forker]:
    """With a program that prints what it sees, and waits or ends."""
    (tmp_path / "answerer.py").write_text(ANSWERER)
    made = Forker(tmp_path, {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])})
    yield made
    await made.close()


def job(folder: Path, word: str, **variables: str) -> Job:
    return Job("answerer", {"WORD": word, **variables}, str(folder / f"{word}.log"), f"answerer {folder}")


def has_line(log: Path) -> bool:
    return log.exists() and "\n" in log.read_text()


async def until_line(log: Path) -> None:
    async def is_there() -> bool:
        return has_line(log)

    await eventually(is_there)


async def run(forker: Forker, folder: Path, word: str) -> tuple[ForkedProcess, Path]:
    log = folder / f"{word}.log"
    process = await forker.fork(job(folder, word))
    await until_line(log)
    return process, log


async def test_a_fork_is_a_process_of_its_own(forker: Forker, tmp_path: Path) -> None:
    """Its environment, log and session; everything is imported, and its end is reported with its status."""
    process, log = await run(forker, tmp_path, "end")
    assert log.read_text().split() == ["end", "True", "True"]
    assert await process.wait() == 7
    waiting, _ = await run(forker, tmp_path, "wait")
    assert psutil.Process(waiting.pid).cmdline()[0].split() == ["answerer", str(tmp_path)]
    assert "WORD" not in psutil.Process(waiting.pid).environ(), "secrets are in no list of processes"
    waiting.terminate()
    assert await waiting.wait() == -signal.SIGTERM


async def test_a_forker_that_is_killed_takes_its_forks_along_and_the_next_fork_starts_another(
    forker: Forker, tmp_path: Path
) -> None:
    """No process is left that no one watches, and the supervisor can start them again."""
    orphan, log = await run(forker, tmp_path, "wait")
    parent = psutil.Process(orphan.pid).parent()
    assert parent is not None
    parent.kill()
    assert await orphan.wait() != 0

    async def is_gone() -> bool:
        return not psutil.pid_exists(orphan.pid)

    await eventually(is_gone)
    log.unlink()
    again, _ = await run(forker, tmp_path, "wait")
    assert again.pid != orphan.pid


async def test_those_who_fork_together_after_its_death_get_their_own_processes(forker: Forker, tmp_path: Path) -> None:
    """One other forker is started for all of them; each gets the process of its job."""
    orphan, _ = await run(forker, tmp_path, "wait")
    os.kill(psutil.Process(orphan.pid).ppid(), signal.SIGKILL)
    await orphan.wait()
    jobs = [Job("answerer", {"WORD": "wait"}, str(tmp_path / f"{name}.log"), name) for name in ("one", "two", "three")]
    forked = await asyncio.gather(*map(forker.fork, jobs))
    for each in jobs:
        await until_line(Path(each.log_file))
    assert [psutil.Process(process.pid).cmdline()[0] for process in forked] == [each.title for each in jobs]
    assert len({psutil.Process(process.pid).ppid() for process in forked}) == 1


async def test_a_fork_of_a_forker_that_has_just_ended_is_a_server_that_failed(forker: Forker, tmp_path: Path) -> None:
    """The supervisor tries it again, even at the first start; so does this, with another forker."""
    orphan, _ = await run(forker, tmp_path, "wait")
    parent = psutil.Process(orphan.pid).ppid()
    end = os.pidfd_open(parent)
    os.kill(parent, signal.SIGKILL)
    select.select([end], [], [])  # not in the loop: it would see the end before the fork
    os.close(end)
    with pytest.raises(ServerFailed):
        await forker.fork(job(tmp_path, "end"))
    await run(forker, tmp_path, "end")


async def test_a_prepared_process_begins_when_its_job_is_forked(forker: Forker, tmp_path: Path) -> None:
    """What it does before it waits is done by then; it is the process that the fork returns."""
    log = tmp_path / "prepared.log"
    await forker.prepare(job(tmp_path, "prepared"))
    await until_line(log)
    process = await forker.fork(job(tmp_path, "prepared"))
    assert await process.wait() == 7
    assert log.read_text().split() == ["prepared", "prepared", "True", "True"]


async def test_a_prepared_process_with_outdated_settings_is_replaced(forker: Forker, tmp_path: Path) -> None:
    """A server may have moved to another port in the meantime."""
    await forker.prepare(job(tmp_path, "prepared", PORT="1"))
    await until_line(tmp_path / "prepared.log")
    (unused,) = psutil.Process().children(recursive=True)[1:]
    process = await forker.fork(job(tmp_path, "prepared", PORT="2"))
    assert process.pid != unused.pid
    assert await process.wait() == 7

    async def is_gone() -> bool:
        return not unused.is_running()

    await eventually(is_gone)
