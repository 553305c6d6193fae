"""Backups that a running stack takes by its settings, each in a process of its own, one at a time.

Whether one is due follows from the last complete one, which DATA/backups.json names: so a backup that was missed while
the stack was down is taken at its next start.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

import structlog

from docstore_platform.backups.state import BackupState, forget_state, take_request
from docstore_platform.clock import utc_now
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import is_region
from docstore_standalone.supervision.processes import die_with_parent
from docstore_work.loop import Loop, running_loops

CHECK_SECONDS = 2.0
RETRY = timedelta(minutes=5)
STOP_SECONDS = 10.0
ARCHIVE_RETRY_SECONDS = 30.0
ERROR_CHARACTERS = 1000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to take backups: once a day `at` this time (UTC), or every `interval`."""

    interval: timedelta
    at: time | None = None

    def next_after(self, last: datetime | None, now: datetime) -> datetime:
        """Return when the next backup is due, if the last one began at `last`; one from the future does not count."""
        if last is None or last > now:
            return now
        if self.at is None:
            return last + self.interval
        same_day = datetime.combine(last.astimezone(UTC).date(), self.at, UTC)
        return same_day if same_day > last else same_day + timedelta(days=1)


def target_of(settings: StandaloneSettings) -> str | None:
    """Return the address of a stack's backups; None without a schedule. Each of several regions has its part of it."""
    target = settings.backup_target
    if target and is_region(settings.data):
        target = f"{target.rstrip('/')}/{settings.data.name}"
    return target or None


class BackupScheduler:
    """Takes due and requested backups of the stack of these settings."""

    def __init__(self, target: str, settings: StandaloneSettings) -> None:
        self._schedule = Schedule(timedelta(seconds=settings.backup_interval_seconds), settings.backup_at)
        self._target, self._region, self._folder = target, settings.region, settings.data
        known = BackupState.read(self._folder)
        self._state = known if known is not None and known.target == target else BackupState(target=target)
        self._update(running=False)

    async def run_once(self) -> None:
        """Take a backup if one is due or requested; a failed one is repeated after some minutes."""
        state, now = self._state, utc_now()
        due_at = self._schedule.next_after(state.succeeded_at, now)
        if state.failed_at is not None and state.failures and state.failed_at <= now:
            due_at = max(due_at, state.failed_at + RETRY)
        if due_at != state.next_at:
            self._update(next_at=due_at)
        if take_request(self._folder) or due_at <= now:
            await self._take(now)

    async def _take(self, began_at: datetime) -> None:
        self._update(running=True)
        try:
            name, error = await run_process("docstore_standalone.backup", self._folder, self._region)
        except OSError as reason:
            name, error = "", str(reason)
        finally:
            self._update(running=False)
        if not error:
            self._update(succeeded_at=began_at, name=name, failures=0, error="")
            log.info("backup_taken", target=self._target, name=name)
            return
        failures = self._state.failures + 1
        self._update(failed_at=utc_now(), failures=failures, error=error[-ERROR_CHARACTERS:])
        log.error("backup_failed", target=self._target, failures=failures, error=error)

    def _update(self, **changes: object) -> None:
        self._state = self._state.model_copy(update=changes)
        self._state.write(self._folder)


async def run_process(module: str, folder: Path, region: str) -> tuple[str, str]:
    """Run a module for the stack of a folder; return the last word of its output and no error, or the error."""
    own = {"DOCSTORE_DATA": str(folder), "DOCSTORE_REGION": region}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env={**os.environ, **own},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        await _interrupt(process)
        raise
    if process.returncode == 0:
        return (output.decode().split() or [""])[-1], ""
    return "", errors.decode(errors="replace").strip() or f"it ended with status {process.returncode}"


async def _interrupt(process: asyncio.subprocess.Process) -> None:
    """End a backup so that it releases its locks; kill it if that takes too long."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def backups_running(settings: StandaloneSettings) -> AsyncIterator[None]:
    """Take the backups of a stack's schedule, if it has one, until the block ends."""
    target = target_of(settings)
    if target is None:
        forget_state(settings.data)
        yield
        return
    scheduler = BackupScheduler(target, settings)
    loops = [Loop.periodic("standalone backups", scheduler.run_once, CHECK_SECONDS)]
    if settings.backup_oplog_interval_seconds:
        loops.append(
            Loop.periodic("standalone oplog archive", partial(_archive_oplog, settings), ARCHIVE_RETRY_SECONDS)
        )
    async with running_loops(loops):
        yield


async def _archive_oplog(settings: StandaloneSettings) -> None:
    """Run the archive, a process that ends with an error only."""
    _, error = await run_process("docstore_standalone.backup.database.oplog_archive", settings.data, settings.region)
    log.error("oplog_not_archived", error=error)
