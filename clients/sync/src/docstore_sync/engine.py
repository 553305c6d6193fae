"""Sync engine of one folder: runs once, or continuously when the disk or the change feed reports changes."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docstore_client import ApiError, AsyncClient, Unreachable
from docstore_client.network.retrying import PASSING
from docstore_sync.execution.apply import Applier
from docstore_sync.execution.begun_removals import settle_begun_removals
from docstore_sync.execution.begun_uploads import settle_begun_uploads
from docstore_sync.execution.executor import LocalExecutor
from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.execution.outcome import Outcome
from docstore_sync.local.disk import Disk
from docstore_sync.local.disk_watch import DiskWatch
from docstore_sync.local.root import ConfirmationRequired, SyncedRoot
from docstore_sync.local.scan import FolderMissing, Scan
from docstore_sync.model import Action, Plan
from docstore_sync.pausing import Paused, is_paused, run_unpaused
from docstore_sync.remote import LONG_POLL_SECONDS, RemoteTree
from docstore_sync.scan_planner import ScanPlanner
from docstore_sync.selection import Selection
from docstore_sync.state import OtherAccount, State, open_state
from docstore_sync.status import write_status
from docstore_sync.steps import StepFailed

MAX_ROUNDS = 20
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
FULL_SCAN_INTERVAL_SECONDS = 600.0
"""Interval of full scans: not every file system reports all changes."""
QUIET_SECONDS = 1.0
"""Quiet time before a full scan that follows partial scans."""
LONGEST_WITHOUT_FULL_SCAN_SECONDS = 60.0
"""Longest time without a full scan while changes keep arriving."""


@dataclass(slots=True)
class Result:
    """Result of a sync. `failures` and `skipped` list what is not in sync, with the reason."""

    done: int = 0
    actions: list[Action] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    busy: bool = False

    @property
    def in_sync(self) -> bool:
        return not self.failures and not self.busy


@dataclass(slots=True)
class Progress:
    """Callbacks for displays."""

    planned: Callable[[Plan], None] = lambda _: None
    moved_bytes: Callable[[int], None] = lambda _: None
    done: Callable[[Action], None] = lambda _: None
    rested: Callable[[Result], None] = lambda _: None
    offline: Callable[[str], None] = lambda _: None
    """The server, or the disk that holds the state, is unavailable; the engine retries."""


class Engine:
    """Syncs one folder with one account. `confirmed` permits deleting most of the files.

    `account_id`: of the account, which is also its root folder's; or of the folder that an API token is limited to.
    """

    def __init__(
        self,
        folder: Path,
        client: AsyncClient,
        state: State,
        *,
        account_id: str,
        device: str,
        confirmed: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._folder = folder
        self._state = state
        self._confirmed = confirmed
        self._progress = progress or Progress()
        self._disk = Disk(folder, state)
        self._remote = RemoteTree(client, state, account_id)
        self._executor = LocalExecutor(self._disk, client, self._remote, self._progress.moved_bytes)
        self._watch = DiskWatch(folder)
        self._root = SyncedRoot(folder, state, confirmed=confirmed)
        self._scan_planner = ScanPlanner(folder, state, self._disk, self._remote, self._watch, account_id, device)
        self._account_id = account_id

    @property
    def selection(self) -> Selection:
        """What is synced: as kept, or as chosen by `select`."""
        return self._scan_planner.selection

    def select(self, selection: Selection) -> None:
        """Sync what is selected; it is kept when the first sync begins."""
        self._scan_planner.selection = selection

    # --- once --------------------------------------------------------------------------------------------

    async def dry_run(self) -> Plan:
        """Return the plan without carrying it out. Only this machine's copy of the server's tree changes."""
        self._root.check(change=False)
        await self._catch_up()
        found, made = await self._scan_planner.scan()
        made.skipped += found.not_rules
        return made

    async def sync(self, *, is_fresh: bool = False, only_reported: bool = False) -> Result:
        """Sync until nothing is left to do or nothing more succeeds. ConfirmationRequired, Unreachable, ApiError.

        `is_fresh`: the cached server state is recent enough. Uploads name the version they replace, so this is safe.
        `only_reported`: scan only the paths that the disk reported as changed since the last scan.
        """
        if is_paused(self._folder):
            raise Paused(f"{self._folder} is paused")
        self._begin()
        if not is_fresh:
            await self._catch_up()
        result = Result()
        for _ in range(MAX_ROUNDS):
            settle_begun_uploads(self._state, self._remote.entry)
            settle_begun_removals(self._state, self._disk.exists)
            found, made = await self._scan_planner.scan(only_reported=only_reported)
            self._root.check_stays()
            result.busy, result.failures = found.busy, []
            result.skipped = [f"{each.path}: {each.reason}" for each in [*found.not_rules, *made.skipped]]
            if made.displaced and self._move_displaced(found, made.displaced, result):
                continue
            if not made.actions:
                self._finish(result, found)
                break
            outcome = await self._apply(made)
            result.done += outcome.done
            result.actions += made.actions
            result.failures += outcome.failures
            if outcome.done and made.is_last and not (found.busy or outcome.failures):
                self._finish(result, found)  # the scan has shown both sides to be equal
                break
            if not await self._remote.catch_up() and not outcome.done:
                break  # retrying would fail again: nothing has changed
        write_status(self._folder, "idle" if result.in_sync else "waiting", result.failures, result.skipped)
        self._progress.rested(result)
        return result

    def _begin(self) -> None:
        """Check the folder, and keep what belongs to it."""
        self._root.check(change=True)
        self._state.link(self._account_id)
        if self._scan_planner.selection != self._state.selection():
            self._state.set_value("selection", self._scan_planner.selection.to_json())

    def _move_displaced(self, found: Scan, paths: list[str], result: Result) -> bool:
        """Move edits of read-only files out of the shared folders. Return whether any was moved."""
        moved = 0
        for path, name in self._scan_planner.free_names(found, paths).items():
            try:
                self._disk.move(path, found.entries[path].identity, name)
                moved += 1
            except (StepFailed, OSError) as error:
                result.failures.append(f"{path}: {error}")
        return moved > 0

    async def _catch_up(self) -> None:
        try:
            await self._remote.catch_up()
        except ApiError as error:
            if error.code == "invalid_cursor":
                raise OtherAccount from error
            raise

    def _finish(self, result: Result, found: Scan) -> None:
        if result.in_sync and result.actions:
            self._disk.clean()
            self._state.keep_only_hashes_of({entry.identity for entry in found.entries.values()})

    async def _apply(self, made: Plan) -> Outcome:
        if made.question and not self._confirmed:
            raise ConfirmationRequired(made.question)
        self._progress.planned(made)
        write_status(self._folder, "syncing", [], [], len(made.actions))
        ledger = DurableLedger(self._state, self._flush)
        applier = Applier(made, self._executor, ledger, self._scan_planner.rules(), on_done=self._progress.done)
        return await ledger.during(applier.run())

    async def _flush(self) -> None:
        self._root.check_stays()
        await self._disk.flush_names()

    # --- for as long as it runs --------------------------------------------------------------------------

    async def watch(self) -> None:
        """Sync until cancelled, except while the folder is paused."""
        await run_unpaused(self._folder, self._watch_unpaused, lambda: write_status(self._folder, "paused", [], []))

    async def _watch_unpaused(self) -> None:
        """Sync: after each run, wait for a change on the disk or the server, or for the next retry."""
        pause, is_fresh, only_reported = FIRST_PAUSE_SECONDS, False, False
        self._begin()
        watching = asyncio.create_task(self._watch.run())
        try:
            while True:
                self._watch.touched.clear()
                try:
                    result = await self.sync(is_fresh=is_fresh, only_reported=only_reported)
                    is_woken = await self._wait(watching, self._rest_seconds(result, only_reported, pause))
                    pause = FIRST_PAUSE_SECONDS if result.in_sync else min(pause * 2, LONGEST_PAUSE_SECONDS)
                    is_fresh = result.in_sync
                    is_long_ago = self._scan_planner.seconds_since_full_scan > LONGEST_WITHOUT_FULL_SCAN_SECONDS
                    only_reported = result.in_sync and is_woken and not (only_reported and is_long_ago)
                except (Unreachable, ApiError, OSError, sqlite3.OperationalError) as error:
                    if isinstance(error, ApiError) and error.status < 500 and error.status not in PASSING:
                        raise
                    is_offline = isinstance(error, Unreachable | ApiError)
                    write_status(self._folder, "offline" if is_offline else "waiting", [str(error)], [])
                    self._progress.offline(str(error))
                    is_fresh = only_reported = False
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    def _rest_seconds(self, result: Result, only_reported: bool, pause: float) -> float:
        if not result.in_sync:
            return pause
        return QUIET_SECONDS if only_reported else FULL_SCAN_INTERVAL_SECONDS

    async def _wait(self, watching: asyncio.Task[None], seconds: float) -> bool:
        """Wait for a change on the disk or the server. Return False on timeout."""
        until = time.monotonic() + seconds
        while True:
            polling = asyncio.create_task(self._remote.catch_up(LONG_POLL_SECONDS))
            touching = asyncio.create_task(self._watch.touched.wait())
            try:
                tasks: set[asyncio.Task[Any]] = {polling, touching, watching}
                left = max(0.0, until - time.monotonic())
                await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    watching.result()
                    self._root.check(change=False)
                    raise FolderMissing(f"{self._folder} can't be watched")
                if touching.done():
                    return True
                if polling.done() and polling.result():
                    return True
                if time.monotonic() >= until:
                    return False
            finally:
                for task in (polling, touching):
                    task.cancel()
                await asyncio.gather(polling, touching, return_exceptions=True)


def _absolute(folder: Path) -> Path:
    return folder.absolute()


@asynccontextmanager
async def engine(
    folder: Path, client: AsyncClient, device: str, *, confirmed: bool = False, progress: Progress | None = None
) -> AsyncIterator[Engine]:
    """Open the engine of a folder. FolderInUse, OtherAccount.

    The first sync links the folder to the account, or to the folder that the API token is limited to.
    """
    folder = _absolute(folder)
    with open_state(folder) as state:
        account_id = state.get("account")
        if not account_id:
            me = await client.me()
            account_id = me.folder_id or me.id  # the root of all that the client may see
            state.set_value("cursor", "")  # of a dry run, perhaps of another account
        opened = Engine(
            folder, client, state, account_id=account_id, device=device, confirmed=confirmed, progress=progress
        )
        opened.select(state.selection())
        yield opened


__all__ = ["ConfirmationRequired", "Engine", "FolderMissing", "Paused", "Progress", "Result", "engine"]
