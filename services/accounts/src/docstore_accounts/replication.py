"""Tells the other regions of this region's accounts: at least once, newest state, for as long as it takes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import partial

import structlog
from prometheus_client import Counter, Gauge

from docstore_accounts.directory import Directory, Introductions
from docstore_accounts.peers import ACCOUNTS_PATH, Peer, PeerRefused, PeerUnreachable
from docstore_accounts.regions import Entry, entry_of
from docstore_accounts.replication_queue import ReplicationQueue, Taken
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.storage import AccountStore
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.tasks import end_tasks
from docstore_work.wakeup import Wakeup, wake

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.1
REFUSED_SECONDS = 300.0
INTRODUCED_AT_ONCE = 500
STOP_SECONDS = 10.0

told_accounts = Counter("docstore_replication_told_total", "Accounts told to a peer", ["peer"])
peer_behind = Gauge("docstore_replication_behind_seconds", "How long the oldest news for a peer has waited", ["peer"])


class Replication:
    """Takes in news of accounts, queues it for every peer, and sends what is due."""

    def __init__(
        self,
        settings: AccountsSettings,
        peers: Mapping[str, Peer],
        accounts: AccountStore,
        directory: Directory,
        queue: ReplicationQueue,
        introductions: Introductions,
        transactor: Transactor,
        clock: Clock,
        *,
        wakeup_name: str,
    ) -> None:
        self._settings = settings
        self._pepper = settings.email_pepper.get_secret_value()
        self._peers = peers
        self._accounts = accounts
        self._directory = directory
        self._queue = queue
        self._introductions = introductions
        self._transactor = transactor
        self._clock = clock
        self._wakeup_name = wakeup_name
        self._stopping = False

    async def announce(self, entries: Mapping[str, Entry], transaction: Transaction) -> None:
        """Own accounts have changed: note it in the directory, and that every peer is to hear of it."""
        await self._take_in(list(entries.values()), transaction)
        revisions = {entry.account_id: entry.revision for entry in entries.values()}
        await self._queue.add(self._peers.keys(), revisions, self._clock(), transaction.session)
        transaction.wake_after(self._wakeup_name)

    async def hear(self, entries: list[Entry]) -> None:
        """A peer tells of its accounts."""
        await self._transactor.run(lambda transaction: self._take_in(entries, transaction))

    async def _take_in(self, entries: list[Entry], transaction: Transaction) -> None:
        for entry in await self._directory.apply(entries, transaction.session):
            log.error("an e-mail has accounts in two regions", account_id=entry.account_id, region=entry.home_region)

    async def introduce(self) -> None:
        """Before sign-ups are admitted: peers that are new hear of the accounts that were made without them.

        A region without accounts is itself new to them: it waits to hear of theirs.
        """
        new = [peer for peer in self._peers if not await self._introductions.made(peer)]
        after = ""
        while new and (page := await self._accounts.after(after, INTRODUCED_AT_ONCE)):
            entries = {account.id: entry_of(account, self._pepper) for account in page}
            await self._transactor.run(partial(self.announce, entries))
            after = page[-1].id
        has_accounts = bool(after)
        for peer in new:
            await self._introductions.make(peer, awaited=not has_accounts)

    async def has_introduced(self, peer: str) -> bool:
        """Whether the peer knows of all accounts that were made without it."""
        return await self._introductions.made(peer) and await self._queue.next_at(peer) is None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send until the block ends; what is being sent then is finished."""
        senders = {
            asyncio.create_task(self._keep_sending(peer), name=f"to {peer.region}") for peer in self._peers.values()
        }
        try:
            yield
        finally:
            self._stopping = True
            wake(self._wakeup_name)
            _, late = await asyncio.wait(senders, timeout=STOP_SECONDS)
            await end_tasks(late)

    async def _keep_sending(self, peer: Peer) -> None:
        wakeup = Wakeup([self._wakeup_name])
        failures = 0
        try:
            while not self._stopping:
                try:
                    seconds = 0.0 if await self.send_batch(peer) else await self._idle_seconds(peer)
                    failures = 0
                except Exception as error:  # noqa: BLE001 - whatever fails, what is due must be told one day
                    failures += 1
                    seconds = self._pause(failures)
                    log.warning("a region can't be told", region=peer.region, again_in=seconds, error=repr(error))
                    with contextlib.suppress(Exception):
                        await self._measure(peer)
                    await self._rest(seconds)
                    continue
                if seconds:
                    await wakeup.wait(seconds)
        finally:
            wakeup.close()

    def _pause(self, failures: int) -> float:
        longest = min(FIRST_PAUSE_SECONDS * 2 ** min(failures, 20), self._settings.replication_retry_seconds)
        return random.uniform(longest / 2, longest)

    async def _rest(self, seconds: float) -> None:
        """News does not shorten the pause while a peer is away; being stopped does."""
        ends = asyncio.get_running_loop().time() + seconds
        wakeup = Wakeup([self._wakeup_name])
        try:
            while not self._stopping and (left := ends - asyncio.get_running_loop().time()) > 0:
                await wakeup.wait(left)
        finally:
            wakeup.close()

    async def _idle_seconds(self, peer: Peer) -> float:
        await self._measure(peer)
        next_at = await self._queue.next_at(peer.region)
        poll = self._settings.replication_poll_seconds
        return poll if next_at is None else min(max((next_at - self._clock()).total_seconds(), 0.01), poll)

    async def _measure(self, peer: Peer) -> None:
        since = await self._queue.waiting_since(peer.region)
        seconds = 0.0 if since is None else (self._clock() - since).total_seconds()
        peer_behind.labels(peer.region).set(max(seconds, 0.0))

    async def send_batch(self, peer: Peer) -> bool:
        """Tell a peer of what is due, in the state it has now; whether anything was. PeerUnreachable."""
        now = self._clock()
        until = now + timedelta(seconds=self._settings.replication_lease_seconds)
        taken = await self._queue.take(peer.region, self._settings.replication_batch, now, until)
        if not taken.account_ids:
            return False
        accounts = await self._accounts.of_ids(taken.account_ids)
        entries = [entry_of(account, self._pepper) for account in accounts]
        try:
            await self._tell(peer, taken, entries)
        except PeerUnreachable:
            await self._queue.put_off(peer.region, taken, taken.account_ids, now)
            raise
        return True

    async def _tell(self, peer: Peer, taken: Taken, entries: list[Entry]) -> None:
        try:
            await peer.call(ACCOUNTS_PATH, {"accounts": [asdict(entry) for entry in entries]})
        except PeerRefused as error:
            if len(entries) > 1:  # one of them must not keep the others waiting
                for entry in entries:
                    await self._tell(peer, taken, [entry])
                return
            log.error("a region refuses an account", region=peer.region, error=str(error), entries=entries)
            until = self._clock() + timedelta(seconds=REFUSED_SECONDS)
            await self._queue.put_off(peer.region, taken, [entry.account_id for entry in entries], until)
            return
        revisions = {entry.account_id: entry.revision for entry in entries}
        await self._queue.told(peer.region, taken, revisions, self._clock())
        told_accounts.labels(peer.region).inc(len(entries))
