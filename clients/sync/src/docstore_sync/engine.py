"""Keeps one folder in sync: once, or for as long as it runs, woken by the disk and by the change feed."""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docstore_client import ApiError, AsyncClient, Unreachable
from docstore_client.retrying import PASSING
from docstore_sync.apply import Applier
from docstore_sync.disk import Disk
from docstore_sync.hands import RealHands
from docstore_sync.ledger import LastingLedger
from docstore_sync.looking import Looker
from docstore_sync.model import Action, Plan
from docstore_sync.outcome import Outcome
from docstore_sync.remote import LONG_POLL_SECONDS, RemoteTree
from docstore_sync.scan import FolderMissing, Scan, identity_of
from docstore_sync.state import OtherAccount, State, opened, state_folder
from docstore_sync.status import write_status
from docstore_sync.steps import StepFailed
from docstore_sync.watching import DiskWatch

MAX_ROUNDS = 20
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 600.0
"""Not every disk tells of all changes."""
QUIET_SECONDS = 1.0
"""After changes that were told one by one, all is looked at once it is quiet."""
WHOLE_LOOK_SECONDS = 60.0
"""... or after so long."""


class AgreementNeeded(Exception):
    """The plan deletes very much, or the folder is another one: somebody should look first."""


@dataclass(slots=True)
class Result:
    """What a sync has done. `failures` and `aside`: what is not in sync, and why."""

    done: int = 0
    actions: list[Action] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    busy: bool = False

    @property
    def in_sync(self) -> bool:
        return not self.failures and not self.busy


@dataclass(slots=True)
class Progress:
    """For displays: what is going on."""

    planned: Callable[[Plan], None] = lambda _: None
    moved_bytes: Callable[[int], None] = lambda _: None
    done: Callable[[Action], None] = lambda _: None
    rested: Callable[[Result], None] = lambda _: None
    offline: Callable[[str], None] = lambda _: None
    """The server, or the disk of the state, does not do; it is tried again."""


class Engine:
    """One folder and one account. `agreed`: deletions of very much are meant."""

    def __init__(
        self,
        folder: Path,
        client: AsyncClient,
        state: State,
        *,
        account_id: str,
        device: str,
        agreed: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._folder = folder
        self._state = state
        self._agreed = agreed
        self._progress = progress or Progress()
        self._disk = Disk(folder, state)
        self._remote = RemoteTree(client, state, account_id)
        self._hands = RealHands(self._disk, client, self._remote, self._progress.moved_bytes)
        self._watch = DiskWatch(folder)
        self._looker = Looker(folder, state, self._disk, self._remote, self._watch, account_id, device)

    # --- once --------------------------------------------------------------------------------------------

    async def dry_run(self) -> Plan:
        """What would be done now. Nothing is changed but what is known of the server."""
        self._check_root(change=False)
        await self._catch_up()
        found, made = await self._looker.look()
        made.aside += found.not_rules
        return made

    async def sync(self, *, is_fresh: bool = False, only_told: bool = False) -> Result:
        """Until there is nothing more to do, or nothing more can be done. AgreementNeeded, Unreachable, ApiError.

        `is_fresh`: what is known of the server is of this moment, or nearly: uploads name the version they replace.
        `only_told`: of the folder only that is looked at which the disk has told of since it was looked at before.
        """
        self._check_root(change=True)
        if not is_fresh:
            await self._catch_up()
        result = Result()
        for _ in range(MAX_ROUNDS):
            found, made = await self._looker.look(only_told=only_told)
            self._check_root_stays()
            result.busy, result.failures = found.busy, []
            result.aside = [f"{aside.path}: {aside.reason}" for aside in [*found.not_rules, *made.aside]]
            if made.giving_way and self._give_way(found, made.giving_way, result):
                continue
            if not made.actions:
                self._finish(result, found)
                break
            outcome = await self._apply(made)
            result.done += outcome.done
            result.actions += made.actions
            result.failures += outcome.failures
            if outcome.done and made.is_last and not (found.busy or outcome.failures):
                self._finish(result, found)  # both sides are as they were looked at
                break
            if not await self._remote.catch_up() and not outcome.done:
                break  # what failed would fail again: nothing has changed
        write_status(self._folder, "idle" if result.in_sync else "waiting", result.failures, result.aside)
        self._progress.rested(result)
        return result

    def _give_way(self, found: Scan, paths: list[str], result: Result) -> bool:
        """Make edits of what may only be read files of the account's own; whether there was one that could be moved."""
        moved = 0
        for path, name in self._looker.free_names(found, paths).items():
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
        if made.question and not self._agreed:
            raise AgreementNeeded(made.question)
        self._progress.planned(made)
        write_status(self._folder, "syncing", [], [], len(made.actions))
        ledger = LastingLedger(self._state, self._settle)
        applier = Applier(made, self._hands, ledger, self._looker.rules(), on_done=self._progress.done)
        return await ledger.during(applier.run())

    async def _settle(self) -> None:
        self._check_root_stays()
        await self._disk.settle()

    def _root(self) -> str:
        """The identity of the folder; empty if there is none."""
        try:
            return identity_of(os.stat(self._folder))
        except OSError:
            return ""

    def _check_root_stays(self) -> None:
        """A disk that goes while it is looked at, or worked on, has not lost its files."""
        if self._root() != self._state.get("root"):
            raise FolderMissing(f"{self._folder} has gone while it was synced: is its disk mounted?")

    def _check_root(self, *, change: bool) -> None:
        """A folder that is another one than was synced (a disk that is not mounted) is not taken for an empty one.

        Agreed to, it is synced as if for the first time: both sides are joined, and nothing is deleted.
        """
        known = self._state.get("root")
        here = self._root()
        if not here:
            if known and not self._agreed:
                raise AgreementNeeded(f"{self._folder} was synced and is gone")
            if not change:
                raise FolderMissing(f"there is no folder {self._folder}")
            self._folder.mkdir(parents=True, exist_ok=True)
            here = self._root()
        if known == here or not change:
            return
        if known:
            if not self._agreed:
                raise AgreementNeeded(f"{self._folder} is not the folder that was synced: is its disk mounted?")
            self._state.forget_all()
        self._state.keep("root", here)

    # --- for as long as it runs --------------------------------------------------------------------------

    async def watch(self) -> None:
        """Sync, then wait for the disk, the server or the time to try again; until cancelled."""
        pause, is_fresh, only_told = FIRST_PAUSE_SECONDS, False, False
        self._check_root(change=True)
        watching = asyncio.create_task(self._watch.run())
        try:
            while True:
                self._watch.touched.clear()
                try:
                    result = await self.sync(is_fresh=is_fresh, only_told=only_told)
                    is_woken = await self._wait(watching, self._rest_seconds(result, only_told, pause))
                    pause = FIRST_PAUSE_SECONDS if result.in_sync else min(pause * 2, LONGEST_PAUSE_SECONDS)
                    is_fresh = result.in_sync
                    is_long_ago = self._looker.seconds_since_whole > WHOLE_LOOK_SECONDS
                    only_told = result.in_sync and is_woken and not (only_told and is_long_ago)
                except (Unreachable, ApiError, OSError, sqlite3.OperationalError) as error:
                    if isinstance(error, ApiError) and error.status < 500 and error.status not in PASSING:
                        raise
                    is_offline = isinstance(error, Unreachable | ApiError)
                    write_status(self._folder, "offline" if is_offline else "waiting", [str(error)], [])
                    self._progress.offline(str(error))
                    is_fresh = only_told = False
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    def _rest_seconds(self, result: Result, only_told: bool, pause: float) -> float:
        if not result.in_sync:
            return pause
        return QUIET_SECONDS if only_told else LOOK_AGAIN_SECONDS

    async def _wait(self, watching: asyncio.Task[None], seconds: float) -> bool:
        """Until the disk or the server has something new, or the time is up; whether it was the former."""
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
                    self._check_root(change=False)
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
    folder: Path, client: AsyncClient, device: str, *, agreed: bool = False, progress: Progress | None = None
) -> AsyncIterator[Engine]:
    """The engine of a folder, linked to the client's account with its first use. FolderInUse, OtherAccount."""
    folder = _absolute(folder)
    with opened(folder) as state:
        account_id = state.get("account")
        if not account_id:
            account_id = (await client.me()).id
            state.link(account_id)
        yield Engine(folder, client, state, account_id=account_id, device=device, agreed=agreed, progress=progress)


__all__ = ["AgreementNeeded", "Engine", "FolderMissing", "Progress", "Result", "engine", "state_folder"]
