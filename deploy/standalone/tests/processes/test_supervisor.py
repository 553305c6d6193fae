"""The supervisor brings back what dies, whenever it dies."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from docstore_platform.testing import eventually
from docstore_standalone.ports import PortBook
from docstore_standalone.supervision.processes import ProcessId, base_environment
from docstore_standalone.supervision.supervisor import (
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    QUICK_TRIES,
    Component,
    Supervisor,
    backoff_before,
)

look = ProcessId.of


class Sleeper:
    """A server that is ready at once and does nothing."""

    name = "sleeper"
    port_names: Sequence[str] = ()
    stop_seconds = 1.0

    def __init__(self, folder: Path) -> None:
        self.log_file = folder / "sleeper.log"

    def prepare(self) -> None: ...

    def command(self) -> Sequence[str]:
        return ("sleep", "600")

    def environment(self) -> Mapping[str, str]:
        return base_environment()

    async def wait_ready(self) -> None: ...

    def clean_up(self) -> None: ...


class Absent(Sleeper):
    """Its first process answers; later ones do not, and who waits for them misses being cancelled once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.waited_for = 0

    async def wait_ready(self) -> None:
        self.waited_for += 1
        if self.waited_for > 1:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()


def look_too_late(pid: int) -> ProcessId:
    """Look at a process that someone has killed, and of which nothing is left."""
    os.kill(pid, signal.SIGKILL)
    while psutil.pid_exists(pid):  # a thread takes its status
        time.sleep(0.001)  # not the loop's: it would see the death before the look does
    return look(pid)


async def test_a_server_killed_before_its_process_is_looked_at_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often and however early it dies: each time it is one more try, and never the last one."""
    supervisor = Supervisor(PortBook())
    await supervisor.start([Component(Sleeper(tmp_path))])
    try:
        first, looks = supervisor.process_id("sleeper"), iter([look_too_late, look_too_late])
        monkeypatch.setattr(ProcessId, "of", lambda pid: next(looks, look)(pid))
        os.kill(first.pid, signal.SIGKILL)

        async def is_back() -> bool:
            return supervisor.process_id("sleeper") != first and supervisor.is_ready("sleeper")

        await eventually(is_back)
        assert next(looks, None) is None
    finally:
        await supervisor.stop()


async def test_a_server_that_dies_before_it_answers_is_started_again(tmp_path: Path) -> None:
    """However deaf the wait for its answer is to being cancelled (pymongo's is, where two things happen at once)."""
    server = Absent(tmp_path)
    supervisor = Supervisor(PortBook())
    await supervisor.start([Component(server)])
    try:
        for waited_for in (2, 3):
            os.kill(supervisor.process_id("sleeper").pid, signal.SIGKILL)

            async def is_started_again(waited_for: int = waited_for) -> bool:
                return server.waited_for == waited_for

            await eventually(is_started_again)
    finally:
        await supervisor.stop()


class FailingOnce(Sleeper):
    """It fails at one step of a restart, by an error that no one expects."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fails_at = ""
        self.processes: list[ProcessId] = []

    def _pass(self, step: str) -> None:
        if step == self.fails_at:
            self.fails_at = ""
            raise ValueError(step)

    def record(self, processes: Mapping[str, ProcessId]) -> None:
        self.processes.append(processes[self.name])
        self._pass("record")

    async def wait_ready(self) -> None:
        self._pass("wait_ready")

    def clean_up(self) -> None:
        self._pass("clean_up")


@pytest.mark.parametrize("step", ["clean_up", "record", "wait_ready"])
async def test_a_restart_that_fails_by_any_error_is_tried_again(tmp_path: Path, step: str) -> None:
    """At whichever step; of the processes that were started, one is left, and it is ready."""
    server = FailingOnce(tmp_path)
    supervisor = Supervisor(PortBook(), on_processes=server.record)
    await supervisor.start([Component(server)])
    try:
        server.fails_at = step
        os.kill(supervisor.process_id("sleeper").pid, signal.SIGKILL)

        async def is_back() -> bool:
            return not server.fails_at and supervisor.is_ready("sleeper")

        await eventually(is_back)
        assert [each for each in server.processes if each.find()] == [supervisor.process_id("sleeper")]
    finally:
        await supervisor.stop()


class Gated(Sleeper):
    """It is ready while its gate is open."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder)
        self.name = name
        self.gate = asyncio.Event()
        self.gate.set()

    async def wait_ready(self) -> None:
        await self.gate.wait()


async def test_dependencies_are_ready_before_each_start(tmp_path: Path) -> None:
    """Not only before the first one: it would end at once, again and again, and be started ever more rarely."""
    needed, user = Gated(tmp_path, "needed"), Gated(tmp_path, "user")
    supervisor = Supervisor(PortBook())
    await supervisor.start([Component(needed), Component(user, needs=("needed",))])
    try:
        before = supervisor.process_id("user")
        needed.gate.clear()
        for name in ("needed", "user"):
            os.kill(supervisor.process_id(name).pid, signal.SIGKILL)

        async def needed_runs_again() -> bool:
            return not supervisor.is_ready("user") and not supervisor.is_ready("needed")

        await eventually(needed_runs_again)
        assert supervisor.process_id("user") == before
        needed.gate.set()

        async def is_back() -> bool:
            return supervisor.is_ready("user") and supervisor.process_id("user") != before

        await eventually(is_back)
    finally:
        await supervisor.stop()


async def test_a_signal_reaches_a_process_that_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the clock does; one that is being started again gets none, since it may not know the signal yet."""
    server = Gated(tmp_path, "sleeper")
    supervisor = Supervisor(PortBook())
    await supervisor.start([Component(server)])
    try:
        before = supervisor.process_id("sleeper")
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: 0.0)
        server.gate.clear()
        assert supervisor.signal("sleeper", signal.SIGUSR1)

        async def is_started_again() -> bool:
            return supervisor.process_id("sleeper") != before

        await eventually(is_started_again)
        assert not supervisor.signal("sleeper", signal.SIGUSR1)
    finally:
        server.gate.set()
        await supervisor.stop()


def test_the_first_tries_follow_at_once_and_later_ones_are_spaced() -> None:
    """A component that was killed a few times is back as soon as it was the first time."""
    waits = [backoff_before(tries) for tries in range(20)]
    assert waits[:QUICK_TRIES] == [FIRST_BACKOFF] * QUICK_TRIES
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_BACKOFF
