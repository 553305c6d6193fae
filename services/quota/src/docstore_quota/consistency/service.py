"""Compares counted usage with what metadata stores, account by account, and reports differences."""

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

from docstore_contracts.consistency import CheckPage, CheckRequest, Finding
from docstore_contracts.metadata import MetadataClient
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import DomainError, NotFound
from docstore_quota import metrics
from docstore_quota.consistency.repository import Drifts
from docstore_quota.rules import PLANS, Drift, Stored, drift_between
from docstore_quota.service import QuotaService
from docstore_quota.settings import QuotaSettings
from docstore_work.lease_queue import Lease, LeaseLost, LeaseQueue

log = structlog.get_logger(__name__)

JOB = "reconcile"
PAGE = 50
PARALLEL = 4
CHECK_SECONDS = 10.0
"""After so long a page of a check ends with the account that it has reached: callers wait for it for 30 s."""


class DeadLetterCount(Protocol):
    async def count(self) -> int:
        """Count dead letters: events not counted yet."""


class Reconciler:
    """Goes through all accounts in pages, under a lease, once in an interval."""

    def __init__(
        self,
        service: QuotaService,
        metadata: MetadataClient,
        drifts: Drifts,
        queue: LeaseQueue,
        dead_letters: DeadLetterCount,
        settings: QuotaSettings,
        clock: Clock = utc_now,
    ) -> None:
        self._service = service
        self._metadata = metadata
        self._drifts = drifts
        self._queue = queue
        self._dead_letters = dead_letters
        self._settings = settings
        self._clock = clock
        self._confirm_after = timedelta(seconds=settings.drift_confirm_delay_seconds)

    async def prepare(self) -> None:
        """Queue the recurring comparison: after each run the next one is due after the interval.

        It is due at once if the plans' limits have changed, which it gives to all accounts.
        """
        limits = {plan: self._settings.limit_of(plan) for plan in PLANS}
        if await self._queue.collection.find_one({"_id": JOB, "limits": limits}) is None:
            await self._queue.add(JOB, {"cursor": "", "limits": limits})

    async def run_due(self) -> None:
        """Check unconfirmed drifts again, and compare all accounts if that is due and no other instance does it."""
        for account_id in await self._drifts.unconfirmed(self._clock() - self._confirm_after, PAGE):
            await self._compare_or_skip(account_id)
        lease = await self._queue.claim({"_id": JOB})
        if lease is not None:
            try:
                async with self._queue.renewing(lease):
                    await self._compare_all(lease)
            except LeaseLost:
                log.info("quota_comparison_taken_over")
        metrics.drift_bytes.set(await self._drifts.confirmed_bytes())

    async def _compare_all(self, lease: Lease) -> None:
        """Compare page by page, from where the last instance stopped. Raises LeaseLost."""
        cursor: str = lease.document["cursor"]
        while True:
            accounts = await self._service.accounts_after(cursor, PAGE)
            slots = asyncio.Semaphore(PARALLEL)

            async def look(account_id: str, slots: asyncio.Semaphore = slots) -> None:
                async with slots:
                    await self._compare_or_skip(account_id)

            for account in accounts:
                await self._service.apply_plan_limit(account)
            await asyncio.gather(*(look(account.id) for account in accounts))
            if len(accounts) < PAGE:
                break
            cursor = accounts[-1].id
            await self._queue.renew(lease, {"cursor": cursor})
        await self._queue.postpone(lease, self._settings.reconcile_interval_seconds, {"cursor": "", "attempts": 0})

    async def _compare_or_skip(self, account_id: str) -> None:
        """Compare an account. If metadata fails, the next comparison is its turn: it doesn't hold up the others."""
        try:
            await self.compare(account_id)
        except DomainError as error:
            log.warning("usage_not_compared", account_id=account_id, code=error.code)

    async def check(self, request: CheckRequest) -> CheckPage:
        """Compare a page of accounts and, if told to, correct what is confirmed: no event on its way explains it.

        A comparison takes as long as the account has versions, so the page is shorter where accounts are large.
        """
        accounts = await self._service.accounts_after(request["after"], request["limit"])
        more, ends_at = len(accounts) == request["limit"], self._clock() + timedelta(seconds=CHECK_SECONDS)
        findings: list[Finding] = []
        for number, account in enumerate(accounts):
            if number and self._clock() >= ends_at:
                more, accounts = True, accounts[:number]
                break
            drift = await self.compare(account.id)
            if drift is not None:
                repaired = request["repair"] and drift.confirmed and await self._correct(drift)
                findings.append(_finding(drift, repaired=repaired))
        next_after = accounts[-1].id if more and accounts else None
        return {"checked": len(accounts), "unread": 0, "findings": findings, "next_after": next_after}

    async def compare(self, account_id: str) -> Drift | None:
        """Return the account's drift, if it can be known now: nothing may be under way or change meanwhile."""
        before = await self._service.usage(account_id)
        if before.open:
            return None
        try:
            storage = await self._metadata.account_storage(account_id)
        except NotFound:
            return None
        stored = Stored(storage["bytes"], storage["documents"])
        after = await self._service.usage(account_id)
        if after.open or after.revision != before.revision:
            return None
        earlier = await self._drifts.get(account_id)
        drift = drift_between(after, stored, earlier, self._clock(), self._confirm_after)
        if drift is None:
            if earlier is not None:
                await self._drifts.remove(account_id)
            return None
        if drift.confirmed and self._settings.repair_drift and await self._correct(drift):
            return None
        await self._drifts.put(drift)
        if drift.confirmed and not (earlier and earlier.confirmed):
            log.warning("usage_drift_confirmed", account_id=account_id, bytes=drift.bytes)
        return drift

    async def _correct(self, drift: Drift) -> bool:
        """Correct the count; never while pending events would be counted twice."""
        if await self._dead_letters.count():
            return False
        counted = await self._service.usage(drift.account_id)
        # What was stored when it was compared: a file since then is counted by its own event.
        stored = Stored(counted.used - drift.bytes, counted.documents - drift.documents)
        if not await self._service.correct(drift.account_id, drift.revision, stored):
            return False
        log.warning("usage_corrected", account_id=drift.account_id, bytes=drift.bytes, documents=drift.documents)
        await self._drifts.remove(drift.account_id)
        return True

    async def drifts(self, after: str, limit: int) -> list[Drift]:
        return await self._drifts.page(after, limit)


def _finding(drift: Drift, *, repaired: bool) -> Finding:
    state = "confirmed" if drift.confirmed else "not confirmed yet"
    detail = f"{drift.bytes} bytes and {drift.documents} documents too many are counted; {state}"
    return Finding(
        kind="usage_differs", id=drift.account_id, account_id=drift.account_id, detail=detail, repaired=repaired
    )
