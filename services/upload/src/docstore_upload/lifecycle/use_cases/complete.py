"""Completion of transfers: verify the stored bytes, claim, commit in metadata, publish; any number at once.

What a crash leaves, and how it continues:
- before the claim: still open. The client's next `complete` or the worker verifies again.
- after the claim, before or after metadata's commit: committing. Either of them asks metadata again, which gives the
  same result for the same upload.
- after the last transaction: completed, with its event. A lost response is given again from what is stored.

The client has its response once metadata has committed: the last transaction follows (finish.py).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic

import structlog

from docstore_contents.s3.store import ObjectStoreError
from docstore_contracts.caller import ItemRefused
from docstore_contracts.metadata import CommitItem, CommitResult
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import Conflict, DomainError, NotFound, Unavailable, not_found, unavailable
from docstore_upload.lifecycle.clients import ServiceClients, item_error
from docstore_upload.lifecycle.ports import Claim, Commit, Kind, T, Transfers
from docstore_upload.lifecycle.rules import COMMITTING, Actor, Mismatch
from docstore_upload.lifecycle.use_cases.finish import Committed, Finisher
from docstore_upload.lifecycle.use_cases.terminate import Termination
from docstore_upload.settings import UploadSettings
from docstore_work.batcher import Batcher

log = structlog.get_logger(__name__)
NO_MANIFESTS: Mapping[str, object] = {}
Errors = dict[str, DomainError]
"""Why transfers are not completed, by id."""


@dataclass(slots=True)
class Completer(Generic[T]):
    """The use case `complete`, for clients and for the worker. Concurrent calls share their writes."""

    kind: Kind[T]
    transfers: Transfers[T]
    transactor: Transactor
    services: ServiceClients
    termination: Termination[T]
    finisher: Finisher[T]
    settings: UploadSettings
    clock: Clock
    _claims: Batcher[Claim, bool] = field(init=False)

    def __post_init__(self) -> None:
        self._claims = Batcher(f"claim {self.kind.noun}s", self._claim_singles)

    async def complete(
        self, transfers: Sequence[T], by: Actor, manifests: Mapping[str, object] = NO_MANIFESTS
    ) -> dict[str, Any]:
        """Return by id the result of each transfer, or why it has none. Idempotent."""
        errors: Errors = {}
        latest = await self._advance(transfers, by, manifests, errors)
        return {transfer.id: self._outcome(transfer, errors.get(transfer.id)) for transfer in latest}

    async def as_answered(self, transfer: T) -> T:
        """A stored transfer, as its client knows it: one that is not finished yet may be completed already."""
        if transfer.state != "committing":
            return transfer
        errors: Errors = {}
        [latest] = await self._advance([transfer], "client", NO_MANIFESTS, errors)
        if not errors:
            return latest
        return (await self.transfers.by_ids([transfer.id])).get(transfer.id, latest)  # it may have ended

    async def _advance(
        self, transfers: Sequence[T], by: Actor, manifests: Mapping[str, object], errors: Errors
    ) -> list[T]:
        """Verify, claim and commit transfers as far as possible; return them as they are then. Adds to `errors`."""
        claims = await self._verify([each for each in transfers if each.is_open], manifests, by, errors)
        current = await self._claim(transfers, claims, errors)
        committing = [transfer for transfer in current if transfer.state == "committing"]
        completed = await self._commit(committing, by, errors) if committing else {}
        return [completed.get(transfer.id, transfer) for transfer in current]

    async def put_and_complete(self, contents: Sequence[tuple[T, bytes]]) -> dict[str, Any]:
        """Store the contents of transfers and complete these; return the same as `complete`.

        None for one that is stored, but can't be committed yet: its client or the worker completes it. One that can't
        be stored is given up.
        """
        puts = [self.kind.put(transfer, content) for transfer, content in contents]
        failures = await asyncio.gather(*puts, return_exceptions=True)
        outcomes: dict[str, Any] = {}
        stored: dict[str, tuple[T, bytes]] = {}
        for (transfer, content), failure in zip(contents, failures, strict=True):
            if failure is None:
                stored[transfer.id] = transfer, content
                continue
            await self.termination.give_up(transfer)
            if not isinstance(failure, ObjectStoreError):
                raise failure
            outcomes[transfer.id] = unavailable("The object store")
        transfers = [transfer for transfer, _ in stored.values()]
        manifests = {key: content for key, (_, content) in stored.items()}
        for key, outcome in (await self.complete(transfers, "client", manifests)).items():
            is_undecided = isinstance(outcome, DomainError) and outcome.is_temporary
            outcomes[key] = None if is_undecided else outcome
        return outcomes

    def _outcome(self, transfer: T, error: DomainError | None) -> Any:
        if transfer.result is not None:
            return transfer.result
        return transfer.final_refusal or error or not_found(self.kind.noun)

    async def _verify(
        self, transfers: Sequence[T], manifests: Mapping[str, object], by: Actor, errors: Errors
    ) -> dict[str, Claim]:
        verdicts = await asyncio.gather(
            *(self.kind.verify(transfer, manifests.get(transfer.id), by) for transfer in transfers),
            return_exceptions=True,
        )
        claims: dict[str, Claim] = {}
        for transfer, verdict in zip(transfers, verdicts, strict=True):
            match verdict:
                case Claim():
                    claims[transfer.id] = verdict
                case DomainError():
                    errors[transfer.id] = verdict
                    if isinstance(verdict, Mismatch):
                        await self.termination.end([transfer.id], "aborted", refusal=verdict, by=by)
                case ObjectStoreError():
                    log.warning("upload_object_unavailable", upload_id=transfer.id, error=str(verdict))
                    errors[transfer.id] = unavailable("The object store")
                case Exception():
                    log.error("upload_verification_failed", upload_id=transfer.id, exc_info=verdict)
                    errors[transfer.id] = unavailable(f"The {self.kind.noun}")
                case BaseException():
                    raise verdict
        return claims

    async def _claim(self, transfers: Sequence[T], claims: Mapping[str, Claim], errors: Errors) -> list[T]:
        """Claim those in `claims`; return the transfers as they are after that, claimed by this call or another."""
        retry_at = self.clock() + timedelta(seconds=self.settings.commit_retry_delay_seconds)
        alone = [claim for claim in claims.values() if claim.within is None]
        all_claimed = not alone or await self._claim_together(alone, retry_at)
        for claim in claims.values():
            if claim.within is not None:
                try:
                    all_claimed &= await claim.within(partial(self.transfers.claim, [claim], retry_at))
                except DomainError as error:
                    all_claimed, errors[claim.id] = False, error
        # A transfer that can't be verified may be completed: its bytes are deleted after that.
        if not all_claimed or any(each.is_open and each.id not in claims for each in transfers):
            latest = await self.transfers.by_ids([transfer.id for transfer in transfers])
            return [latest.get(transfer.id, transfer) for transfer in transfers]
        return [_claimed(transfer, claims.get(transfer.id)) for transfer in transfers]

    async def _claim_together(self, claims: Sequence[Claim], retry_at: datetime) -> bool:
        if len(claims) == 1:  # a single write needs no transaction
            return await self._claims.run(claims[0])

        async def work(transaction: Transaction) -> bool:
            return await self.transfers.claim(claims, retry_at, transaction.session)

        return await self.transactor.run(work)

    async def _claim_singles(self, claims: Sequence[Claim]) -> list[bool]:
        """Claim transfers of several calls; returns for each whether all were open."""
        retry_at = self.clock() + timedelta(seconds=self.settings.commit_retry_delay_seconds)
        return [await self.transfers.claim(claims, retry_at)] * len(claims)

    async def _commit(self, transfers: Sequence[T], by: Actor, errors: Errors) -> dict[str, T]:
        """Commit transfers in metadata; return those that are completed now."""
        uploaded_at = self.clock()
        items = {transfer.id: self.kind.commit_items(transfer, uploaded_at) for transfer in transfers}
        results = iter(await _commit_each(self.services, [item for some in items.values() for item in some]))
        commits: dict[str, Commit[T]] = {}
        for transfer in transfers:
            outcomes = [next(results) for _ in items[transfer.id]]
            decided = [result for result in outcomes if not isinstance(result, DomainError)]
            commit = _undecided(outcomes) or self.kind.commit(transfer, decided)
            if isinstance(commit, Commit):
                commits[transfer.id] = commit
                continue
            errors[transfer.id] = commit
            if not _undecided(outcomes):
                await self.termination.end([transfer.id], "aborted", start=COMMITTING, refusal=commit, by=by)
        if not commits:
            return {}
        committed = Committed([transfer for transfer in transfers if transfer.id in commits], commits)
        self.finisher.begin(committed)
        return {transfer.id: transfer for transfer in committed.completed()}


def _claimed(transfer: T, claim: Claim | None) -> T:
    if claim is None:
        return transfer
    return replace(transfer, state="committing", completed_by=claim.by, **claim.found)


async def _commit_each(services: ServiceClients, items: Sequence[CommitItem]) -> list[CommitResult | DomainError]:
    """Return metadata's result for each, in order; a temporary error where it gave none.

    An item that metadata can't process must not hold up the others.
    """
    if not items:
        return []
    try:
        return list(await services.metadata.commit_uploads(items))
    except DomainError as error:
        if not isinstance(error, Unavailable) and len(items) > 1:
            middle = len(items) // 2
            return [*await _commit_each(services, items[:middle]), *await _commit_each(services, items[middle:])]
        log.warning("commit_deferred", count=len(items), upload_id=items[0]["upload_id"], error=error.detail)
        return [error] * len(items)


def commit_refusal(result: ItemRefused) -> DomainError:
    """Return why metadata refused a commit; final unless it is temporary."""
    error = item_error(result)
    if not isinstance(error, NotFound):
        return error
    # 404 would claim that the upload does not exist.
    detail = "The target folder or file was deleted or is no longer shared with you. Nothing was stored."
    return Conflict(detail, code="target_gone")


def _undecided(results: Sequence[CommitResult | DomainError]) -> DomainError | None:
    """Return a temporary error if metadata has not decided on all of these."""
    for result in results:
        if isinstance(result, DomainError):
            return result
        if "problem" in result and commit_refusal(result).is_temporary:
            return commit_refusal(result)
    return None
