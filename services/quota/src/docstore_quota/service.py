"""Use cases of quota: reserve storage for uploads, count usage, publish when an account crosses its limit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from docstore_events.envelope import Envelope
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock, utc_now
from docstore_platform.domain.plans import AccountPlans
from docstore_platform.errors import unavailable
from docstore_platform.mongodb.session import DuplicateKeyError
from docstore_platform.telemetry.metrics import document_bytes, documents
from docstore_quota import metrics
from docstore_quota.repository import Accounts, Pair
from docstore_quota.rules import (
    Account,
    Added,
    Change,
    Plan,
    PlanSet,
    Released,
    Stored,
    Totals,
    admit,
    sizes_by_reservation,
    totals_change,
    used_by,
)
from docstore_quota.settings import QuotaSettings
from docstore_quota.usage_events import publish_change, publish_refusal

RESERVE_TRIES = 100
EXPIRY_PAGE = 100


@dataclass(frozen=True, slots=True)
class Reserved:
    """The uploads that have a reservation, and the account's usage with them."""

    accepted: frozenset[str]
    account: Account


@dataclass(slots=True)
class Batch:
    """Changes of a batch of events by account, in the order of the events."""

    by_account: dict[str, list[Change]] = field(default_factory=dict)
    causes: dict[str, Envelope[Any]] = field(default_factory=dict)
    """The newest event for each account: a batch of several topics has no order of its own."""

    def add(self, account_id: str, change: Change, cause: Envelope[Any]) -> None:
        self.by_account.setdefault(account_id, []).append(change)
        self.causes[account_id] = max(self.causes.get(account_id, cause), cause, key=lambda envelope: envelope.time)

    def reservation_ids(self) -> set[str]:
        """Reservations that these changes may end."""
        return {
            reservation_id
            for changes in self.by_account.values()
            for change in changes
            if (reservation_id := used_by(change)) is not None
        }


class QuotaService:
    """Use cases of quota. Unknown accounts are created on the free plan."""

    def __init__(
        self,
        accounts: Accounts,
        plans: AccountPlans,
        transactor: Transactor,
        settings: QuotaSettings,
        clock: Clock = utc_now,
    ) -> None:
        self._accounts = accounts
        self._plans = plans
        self._transactor = transactor
        self._settings = settings
        self._clock = clock
        self._notifying: set[str] = set()

    async def reserve(self, account_id: str, sizes: Mapping[str, int], expires_at: datetime) -> Reserved:
        """Reserve storage for uploads (bytes by upload id), in order, for each that fits.

        Raises TooManyUploads. Other uploads of the account may change it between read and write; the write is
        conditional, and repeated if it fails.
        """
        wanted, known, asked = dict(sizes), frozenset[str](), False
        for _ in range(RESERVE_TRIES):
            account = await self._accounts.reserve(account_id, sizes_by_reservation(wanted), expires_at)
            if account is not None:
                return await self._reserved(account, sizes, known | wanted.keys())
            current = await self._accounts.get(account_id, sizes_by_reservation(sizes))
            if current is None:
                await self._create(account_id)
                continue
            admission = admit(current, sizes)
            if admission.refused and not asked:
                asked = True
                if await self._refresh_plan(current):
                    continue
            known, wanted = admission.known, admission.fitting
            if not wanted:
                return await self._reserved(current, sizes, known)
        raise unavailable("The storage quota")

    async def _refresh_plan(self, account: Account) -> bool:
        """Before a refusal, return whether the account has another plan now than events have reported."""
        current = await self._plans.plan_of(account.id)
        if current is None or current[1] <= account.plan_revision:
            return False
        change = self.plan_set(*current)
        await self._revise(account.id, lambda loaded: loaded.apply(change))
        return change.limit != account.limit

    async def _reserved(self, account: Account, sizes: Mapping[str, int], accepted: frozenset[str]) -> Reserved:
        refused = [size for upload_id, size in sizes.items() if upload_id not in accepted]
        if refused:
            metrics.refused_uploads.inc(len(refused))
            if account.notifies_refusal(self._clock()) and account.id not in self._notifying:
                self._notifying.add(account.id)
                try:
                    await self._notify_refusal(account.id, refused[0])
                finally:
                    self._notifying.discard(account.id)
        return Reserved(accepted, account)

    async def _notify_refusal(self, account_id: str, requested: int) -> None:
        """Publish quota-exceeded for a refused upload, at most once an hour."""

        async def work(transaction: Transaction) -> None:
            loaded = await self._accounts.load([account_id], (), transaction.session)
            account, now = loaded[account_id], self._clock()
            if account.notifies_refusal(now):
                before = account.snapshot()
                publish_refusal(account, requested, now, transaction)
                await self._accounts.save([(before, account)], transaction.session)

        await self._transactor.run(work)

    def _new_account(self, account_id: str) -> Account:
        return Account(account_id, "free", self._settings.limit_of("free"))

    async def _create(self, account_id: str) -> None:
        async def work(transaction: Transaction) -> None:
            if not await self._accounts.load([account_id], (), transaction.session):
                await self._save([(None, self._new_account(account_id))], transaction)

        try:
            await self._transactor.run(work)
        except DuplicateKeyError:
            return  # just created by another instance

    async def release(self, account_id: str, upload_ids: Sequence[str]) -> Account:
        """End reservations; ended ones are ignored."""

        async def work(transaction: Transaction) -> Account:
            loaded = await self._accounts.load([account_id], upload_ids, transaction.session)
            account = loaded.get(account_id)
            if account is None:
                return self._new_account(account_id)
            before = account.snapshot()
            for upload_id in upload_ids:
                account.apply(Released(upload_id))
            await self._accounts.save([(before, account)], transaction.session)
            return account

        return await self._transactor.run(work)

    async def apply(self, batch: Batch, transaction: Transaction) -> None:
        """Count a batch of changes: one read, one write, and one usage-changed for each changed account."""
        loaded = await self._accounts.load(batch.by_account, batch.reservation_ids(), transaction.session)
        pairs: list[Pair] = []
        for account_id, ordered in batch.by_account.items():
            known = loaded.get(account_id)
            account = known or self._new_account(account_id)
            before = account.snapshot()
            for change in ordered:
                account.apply(change)
            counted = tuple(c.upload_id for c in ordered if isinstance(c, Added) and c.upload_id is not None)
            publish_change(before, account, self._clock(), transaction, counted=counted, cause=batch.causes[account_id])
            pairs.append((before if known else None, account))
        await self._save(pairs, transaction)

    async def _save(self, pairs: Sequence[Pair], transaction: Transaction) -> None:
        await self._accounts.save(pairs, transaction.session)
        change = totals_change(pairs)
        if change:
            await self._accounts.count_totals(change, transaction.session)

    async def correct(self, account_id: str, revision: int, stored: Stored) -> bool:
        """Set the count to what is stored, unless something was counted since `revision`."""

        async def work(transaction: Transaction) -> bool:
            loaded = await self._accounts.load([account_id], (), transaction.session)
            account = loaded.get(account_id)
            if account is None or account.revision != revision:
                return False
            before = account.snapshot()
            account.used, account.documents = stored.bytes, stored.documents
            publish_change(before, account, self._clock(), transaction)
            await self._save([(before, account)], transaction)
            return True

        return await self._transactor.run(work)

    async def apply_plan_limit(self, account: Account) -> None:
        """Set the account's limit to its plan's current limit in the settings."""
        limit = self._settings.limit_of(account.plan)
        if account.limit == limit:
            return

        def set_limit(loaded: Account) -> None:
            loaded.limit = self._settings.limit_of(loaded.plan)

        await self._revise(account.id, set_limit)

    async def _revise(self, account_id: str, change: Callable[[Account], None]) -> None:
        async def work(transaction: Transaction) -> None:
            account = (await self._accounts.load([account_id], (), transaction.session))[account_id]
            before = account.snapshot()
            change(account)
            publish_change(before, account, self._clock(), transaction)
            await self._save([(before, account)], transaction)

        await self._transactor.run(work)

    async def expire_reservations(self) -> int:
        """End reservations that no event has ended in time; return how many."""
        before = self._clock() - timedelta(seconds=self._settings.expiry_grace_seconds)
        ended = 0
        while due := await self._accounts.due_to_expire(before, EXPIRY_PAGE):
            ended += sum([await self._expire(account_id, before) for account_id in due])
        metrics.expired_reservations.inc(ended)
        return ended

    async def _expire(self, account_id: str, until: datetime) -> int:
        async def work(transaction: Transaction) -> int:
            loaded = await self._accounts.load([account_id], None, transaction.session)
            account = loaded[account_id]
            before = account.snapshot()
            account.expire(until)
            await self._accounts.save([(before, account)], transaction.session)
            return len(account.ended)

        return await self._transactor.run(work)

    async def usage(self, account_id: str) -> Account:
        """Return an account's usage: none, on the free plan, for an unknown one."""
        return await self._accounts.get(account_id) or self._new_account(account_id)

    async def accounts_after(self, account_id: str, limit: int) -> list[Account]:
        return await self._accounts.page(account_id, limit)

    def plan_set(self, plan: Plan, revision: int) -> PlanSet:
        return PlanSet(plan, self._settings.limit_of(plan), revision)

    async def totals(self) -> dict[Plan, Totals]:
        """Return accounts, documents and bytes by plan, and update the metrics."""
        totals = await self._accounts.totals()
        for plan, kept in totals.items():
            documents.labels(plan).set(kept.documents)
            document_bytes.labels(plan).set(kept.bytes)
        return totals
