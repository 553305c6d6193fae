"""Replicates this region's accounts to the other regions: at least once, latest state, until it succeeds."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from functools import partial

import structlog
from prometheus_client import Counter, Gauge

from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.regions.client import OtherRegion, RegionRefused, RegionUnreachable
from docstore_accounts.regions.queue_repository import ReplicationQueue
from docstore_accounts.regions.repository import Directory, Introductions
from docstore_accounts.regions.rules import Entry, entry_of
from docstore_accounts.settings import AccountsSettings
from docstore_contracts.replication import ReplicatedAccount, ReplicationClient
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.tasks import end_tasks
from docstore_work.lease_queue import Lease
from docstore_work.wakeup import Wakeup, wake

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.1
REFUSED_SECONDS = 300.0
INTRODUCED_AT_ONCE = 500
STOP_SECONDS = 10.0

replicated_accounts = Counter("docstore_replication_told_total", "Accounts sent to another region", ["peer"])
replication_lag = Gauge(
    "docstore_replication_behind_seconds", "Age of the oldest change not sent to another region", ["peer"]
)


class Replication:
    """Records changes of accounts, queues them for every other region, and sends what is due."""

    def __init__(
        self,
        settings: AccountsSettings,
        others: Mapping[str, OtherRegion],
        accounts: AccountRepository,
        directory: Directory,
        queue: ReplicationQueue,
        introductions: Introductions,
        transactor: Transactor,
        *,
        wakeup_name: str,
    ) -> None:
        self._settings = settings
        self._pepper = settings.email_pepper.get_secret_value()
        self._others = others
        self._accounts = accounts
        self._directory = directory
        self._queue = queue
        self._introductions = introductions
        self._transactor = transactor
        self._wakeup_name = wakeup_name
        self._stopping = False

    async def announce(self, entries: Mapping[str, Entry], transaction: Transaction) -> None:
        """Record changes of own accounts in the directory and queue them for every other region."""
        await self._record(list(entries.values()), transaction)
        revisions = {entry.account_id: entry.revision for entry in entries.values()}
        await self._queue.add(self._others.keys(), revisions, transaction)
        transaction.wake_after(self._wakeup_name)

    async def receive(self, entries: list[Entry]) -> None:
        """Record accounts received from another region."""
        await self._transactor.run(lambda transaction: self._record(entries, transaction))

    async def _record(self, entries: list[Entry], transaction: Transaction) -> None:
        for entry in await self._directory.apply(entries, transaction):
            log.error("email_in_two_regions", account_id=entry.account_id, region=entry.home_region)

    async def introduce(self) -> None:
        """Queue all accounts for new regions, before sign-ups are admitted.

        A region without accounts is new to the others: it waits to receive theirs.
        """
        new = [region for region in self._others if not await self._introductions.made(region)]
        after = ""
        while new and (page := await self._accounts.after(after, INTRODUCED_AT_ONCE)):
            entries = {account.id: entry_of(account, self._pepper) for account in page}
            await self._transactor.run(partial(self.announce, entries))
            after = page[-1].id
        has_accounts = bool(after)
        for region in new:
            await self._introductions.make(region, awaited=not has_accounts)

    async def has_introduced(self, region: str) -> bool:
        """Whether the region has all accounts from before it was added."""
        return await self._introductions.made(region) and await self._queue.due_in(region) is None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send until the block ends; finish the batch under way then."""
        senders = {
            asyncio.create_task(self._keep_sending(other), name=f"to {other.name}") for other in self._others.values()
        }
        try:
            yield
        finally:
            self._stopping = True
            wake(self._wakeup_name)
            _, late = await asyncio.wait(senders, timeout=STOP_SECONDS)
            await end_tasks(late)

    async def _keep_sending(self, other: OtherRegion) -> None:
        wakeup = Wakeup([self._wakeup_name])
        failures = 0
        try:
            while not self._stopping:
                try:
                    seconds = 0.0 if await self.send_batch(other) else await self._idle_seconds(other)
                    failures = 0
                except Exception as error:  # noqa: BLE001 - whatever failed, the batch is retried
                    failures += 1
                    seconds = self._pause(failures)
                    log.warning("replication_failed", region=other.name, again_in=seconds, error=repr(error))
                    with contextlib.suppress(Exception):
                        await self._measure(other)
                    await self._rest(seconds)
                    continue
                if seconds:
                    await wakeup.wait(seconds)
        finally:
            wakeup.close()

    def _pause(self, failures: int) -> float:
        longest = min(FIRST_PAUSE_SECONDS * 2 ** min(failures, 20), self._settings.replication_retry_delay_seconds)
        return random.uniform(longest / 2, longest)

    async def _rest(self, seconds: float) -> None:
        """Wait although changes are queued, because a region is unreachable. Stopping ends the wait."""
        ends = asyncio.get_running_loop().time() + seconds
        wakeup = Wakeup([self._wakeup_name])
        try:
            while not self._stopping and (left := ends - asyncio.get_running_loop().time()) > 0:
                await wakeup.wait(left)
        finally:
            wakeup.close()

    async def _idle_seconds(self, other: OtherRegion) -> float:
        await self._measure(other)
        due_in = await self._queue.due_in(other.name)
        poll = self._settings.replication_interval_seconds
        return poll if due_in is None else min(max(due_in, 0.01), poll)

    async def _measure(self, other: OtherRegion) -> None:
        replication_lag.labels(other.name).set(await self._queue.waiting_seconds(other.name))

    async def send_batch(self, other: OtherRegion) -> bool:
        """Send the due accounts in their current state; return whether there were any. RegionUnreachable."""
        leases = await self._queue.claim(other.name, self._settings.replication_batch)
        if not leases:
            return False
        accounts = await self._accounts.of_ids(list(leases))
        entries = [entry_of(account, self._pepper) for account in accounts]
        try:
            await self._send(other, leases, entries)
        except RegionUnreachable:
            await self._queue.postpone(leases.values(), 0.0)
            raise
        return True

    async def _send(self, other: OtherRegion, leases: Mapping[str, Lease], entries: list[Entry]) -> None:
        try:
            await ReplicationClient(other).send_accounts([_replicated(entry) for entry in entries])
        except RegionRefused as error:
            if len(entries) > 1:  # a refused account must not hold up the others
                for entry in entries:
                    await self._send(other, leases, [entry])
                return
            log.error("replication_refused", region=other.name, error=str(error), entries=entries)
            await self._queue.postpone([leases[entry.account_id] for entry in entries], REFUSED_SECONDS)
            return
        revisions = {entry.account_id: entry.revision for entry in entries}
        await self._queue.complete(other.name, [leases[account_id] for account_id in revisions], revisions)
        replicated_accounts.labels(other.name).inc(len(entries))


def _replicated(entry: Entry) -> ReplicatedAccount:
    return {
        "account_id": entry.account_id,
        "email_hash": entry.email_hash,
        "home_region": entry.home_region,
        "status": entry.status,
        "revision": entry.revision,
    }
