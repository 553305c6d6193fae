"""Keeps one folder in sync: once, or for as long as it runs, woken by the disk and by the change feed."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import watchfiles

from docstore_client import ApiError, AsyncClient, Unreachable
from docstore_sync.apply import Applier, Outcome
from docstore_sync.disk import Disk
from docstore_sync.hands import RealHands
from docstore_sync.model import Action, Plan
from docstore_sync.names import Rules, fold
from docstore_sync.planner import plan
from docstore_sync.remote import LONG_POLL_SECONDS, RemoteTree
from docstore_sync.scan import PARTS, FolderMissing, Ignore, Scan, identity_of, scan
from docstore_sync.state import OtherAccount, State, opened, state_folder
from docstore_sync.status import write_status

MAX_ROUNDS = 20
DEBOUNCE_MS = 100
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 600.0
"""Not every disk tells of all changes."""
POLL_DISK_MS = 1000


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
        self._account_id = account_id
        self._device = device
        self._agreed = agreed
        self._progress = progress or Progress()
        self._disk = Disk(folder, state)
        self._remote = RemoteTree(client, state, account_id)
        self._hands = RealHands(self._disk, client, self._remote, self._progress.moved_bytes)
        self._keys = fold if _ignores_case(folder) else (lambda name: name)

    # --- once --------------------------------------------------------------------------------------------

    async def dry_run(self) -> Plan:
        """What would be done now. Nothing is changed but what is known of the server."""
        self._check_root(change=False)
        await self._catch_up()
        _, made = await asyncio.to_thread(self._look)
        return made

    async def sync(self, *, is_fresh: bool = False) -> Result:
        """Until there is nothing more to do, or nothing more can be done. AgreementNeeded, Unreachable, ApiError.

        `is_fresh`: what is known of the server is of this moment, or nearly: uploads name the version they replace.
        """
        self._check_root(change=True)
        if not is_fresh:
            await self._catch_up()
        result = Result()
        for _ in range(MAX_ROUNDS):
            found, made = await asyncio.to_thread(self._look)
            result.busy, result.failures = found.busy, []
            result.aside = [f"{aside.path}: {aside.reason}" for aside in made.aside]
            if not made.actions:
                self._finish(result, found)
                break
            outcome = await self._apply(made)
            result.done += outcome.done
            result.actions += made.actions
            result.failures = outcome.failures
            if not outcome.done:
                break
            await self._remote.catch_up()
        write_status(self._folder, "idle" if result.in_sync else "waiting", result.failures, result.aside)
        self._progress.rested(result)
        return result

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

    def _look(self) -> tuple[Scan, Plan]:
        ignored = Ignore.of(self._folder)
        found = scan(self._folder, self._state, ignored)
        rules = Rules(self._device, datetime.now(UTC).date(), self._keys, windows=os.name == "nt")
        made = plan(
            found.entries,
            [row.entry for row in self._remote.rows.values()],
            self._state.synced(),
            root_id=self._account_id,
            rules=rules,
            ignored=ignored,
        )
        return found, made

    async def _apply(self, made: Plan) -> Outcome:
        if made.question and not self._agreed:
            raise AgreementNeeded(made.question)
        self._progress.planned(made)
        write_status(self._folder, "syncing", [], [], len(made.actions))
        rules = Rules(self._device, datetime.now(UTC).date(), self._keys, windows=os.name == "nt")
        return await Applier(made, self._hands, self._state, rules, on_done=self._progress.done).run()

    def _check_root(self, *, change: bool) -> None:
        """A folder that is another one than was synced (a disk that is not mounted) is not taken for an empty one.

        Agreed to, it is synced as if for the first time: both sides are joined, and nothing is deleted.
        """
        known = self._state.get("root")
        try:
            here = identity_of(os.stat(self._folder))
        except OSError:
            if known and not self._agreed:
                raise AgreementNeeded(f"{self._folder} was synced and is gone") from None
            if not change:
                raise FolderMissing(f"there is no folder {self._folder}") from None
            self._folder.mkdir(parents=True, exist_ok=True)
            here = identity_of(os.stat(self._folder))
        if known == here or not change:
            return
        if known:
            if not self._agreed:
                raise AgreementNeeded(f"{self._folder} is not the folder that was synced: is its disk mounted?")
            for row in self._state.synced():
                self._state.forget(row.id)
        self._state.keep("root", here)

    # --- for as long as it runs --------------------------------------------------------------------------

    async def watch(self) -> None:
        """Sync, then wait for the disk, the server or the time to try again; until cancelled."""
        touched, pause, is_fresh = asyncio.Event(), FIRST_PAUSE_SECONDS, False
        self._check_root(change=True)
        watching = asyncio.create_task(self._watch_disk(touched))
        try:
            while True:
                touched.clear()
                try:
                    result = await self.sync(is_fresh=is_fresh)
                    await self._wait(touched, watching, LOOK_AGAIN_SECONDS if result.in_sync else pause)
                    pause = FIRST_PAUSE_SECONDS if result.in_sync else min(pause * 2, LONGEST_PAUSE_SECONDS)
                    is_fresh = result.in_sync
                except (Unreachable, ApiError) as error:
                    if isinstance(error, ApiError) and error.status < 500:
                        raise
                    write_status(self._folder, "offline", [str(error)], [])
                    self._progress.offline(str(error))
                    is_fresh = False
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def _watch_disk(self, touched: asyncio.Event) -> None:
        parts = str(self._folder.resolve() / PARTS)

        def is_ours(_: watchfiles.Change, path: str) -> bool:
            return not path.startswith(parts)

        for by_looking in (False, True):  # where the system has no more room for watches, it is looked at again
            with suppress(OSError):
                async for _ in watchfiles.awatch(
                    self._folder,
                    watch_filter=is_ours,
                    debounce=DEBOUNCE_MS,
                    step=20,
                    force_polling=by_looking,
                    poll_delay_ms=POLL_DISK_MS,
                ):
                    touched.set()

    async def _wait(self, touched: asyncio.Event, watching: asyncio.Task[None], seconds: float) -> None:
        """Until the disk or the server has something new, or the time is up."""
        until = time.monotonic() + seconds
        while True:
            waits = max(1, min(LONG_POLL_SECONDS, int(until - time.monotonic())))
            polling = asyncio.create_task(self._remote.catch_up(waits))
            touching = asyncio.create_task(touched.wait())
            try:
                tasks: set[asyncio.Task[Any]] = {polling, touching, watching}
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    watching.result()
                    self._check_root(change=False)
                    raise FolderMissing(f"{self._folder} can't be watched")
                if touching.done():
                    return
                if polling.result() or time.monotonic() >= until:
                    return
            finally:
                for task in (polling, touching):
                    task.cancel()
                await asyncio.gather(polling, touching, return_exceptions=True)


def _ignores_case(folder: Path) -> bool:
    """Whether the folder's disk takes two spellings for one name, as far as the folder's own name tells."""
    try:
        return os.path.samefile(folder, folder.with_name(folder.name.swapcase()))
    except (OSError, ValueError):
        return False


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
