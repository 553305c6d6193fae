"""Commits uploads: each becomes a version of a file exactly once, many of them in one transaction."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from docstore_contracts.metadata import CheckResult, CommitResult, WriteAllowed
from docstore_events.transaction import Transaction
from docstore_metadata.changes.journal_writer_repository import MAX_ENTRIES, JournalWriter, touch_owner_journals
from docstore_metadata.changes.new_versions import full_histories
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.commits.plan import CommitPlan, NotIndependent
from docstore_metadata.commits.rules import Commit, UploadIntent, independent_rounds
from docstore_metadata.commits.targets import Target, resolve
from docstore_metadata.errors import NotFound
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.retention_policy import Bounds
from docstore_metadata.tree.views.presentation import item_problem
from docstore_platform.errors import DomainError
from docstore_platform.mongodb.session import DatabaseError, Session, is_duplicate, is_passing
from docstore_work.batcher import Batcher

log = structlog.get_logger(__name__)

TRIES = 3
MAX_BATCH = 500
"""Commits in one transaction."""
BATCHES_AT_ONCE = 2
"""More would make each of them smaller."""


class TooManyEntries(Exception):
    """The commits of a batch have so many readers that their journal entries exceed one transaction."""


@dataclass(slots=True)
class CommitService(UseCases):
    """Commits each upload once: a repeated commit gets the stored result."""

    bounds: Bounds
    _checks: Batcher[Sequence[UploadIntent], list[CheckResult]] = field(init=False)
    _batcher: Batcher[Sequence[Commit], list[CommitResult]] = field(init=False)

    def __post_init__(self) -> None:
        self._checks = Batcher("upload checks", self._check_calls, largest=MAX_BATCH, size=len, at_once=BATCHES_AT_ONCE)
        self._batcher = Batcher("commits", self._commit_calls, largest=MAX_BATCH, size=len, at_once=BATCHES_AT_ONCE)

    async def check(self, intents: Sequence[UploadIntent]) -> list[CheckResult]:
        """Whether each write would be accepted now."""
        return await self._checks.run(intents)

    async def _check_calls(self, calls: Sequence[Sequence[UploadIntent]]) -> list[list[CheckResult]]:
        results = iter(await self._check_all([intent for intents in calls for intent in intents]))
        return [[next(results) for _ in intents] for intents in calls]

    async def _check_all(self, intents: Sequence[UploadIntent]) -> list[CheckResult]:
        results: list[CheckResult] = []
        for intent, target in zip(intents, await resolve(self.tree, intents), strict=True):
            try:
                results.append(_check(intent, target, self.clock()))
            except DomainError as refusal:
                results.append(item_problem(refusal))
        return results

    async def commit(self, commits: Sequence[Commit]) -> list[CommitResult]:
        """Return the results, in order: a file or a problem each. All are of one account."""
        return await self._batcher.run(commits)

    async def _commit_calls(self, calls: Sequence[Sequence[Commit]]) -> list[list[CommitResult] | Exception]:
        """Return the results of each call, or its error. Calls of several accounts share a transaction if possible."""
        accounts = {commits[0].account_id for commits in calls}
        if len(accounts) > 1:
            try:
                results = iter(await self._in_transaction([commit for commits in calls for commit in commits]))
                return [[next(results) for _ in commits] for commits in calls]
            except (NotIndependent, TooManyEntries):
                pass
            except Exception as error:  # of one account, so the others must not fail with it
                if is_passing(error):
                    raise
                log.info("commits_separated", accounts=len(accounts), error=repr(error))
        return await self._commit_accounts(calls)

    async def _commit_accounts(self, calls: Sequence[Sequence[Commit]]) -> list[list[CommitResult] | Exception]:
        """The same, with each account by itself."""
        by_account: defaultdict[str, list[Commit]] = defaultdict(list)
        for commits in calls:
            by_account[commits[0].account_id] += commits
        outcomes = await asyncio.gather(*map(self._commit_or_error, by_account.values()))
        responses = {
            account_id: outcome if isinstance(outcome, Exception) else iter(outcome)
            for account_id, outcome in zip(by_account, outcomes, strict=True)
        }
        results: list[list[CommitResult] | Exception] = []
        for commits in calls:
            mine = responses[commits[0].account_id]
            results.append(mine if isinstance(mine, Exception) else [next(mine) for _ in commits])
        return results

    async def _commit_or_error(self, commits: Sequence[Commit]) -> list[CommitResult] | Exception:
        try:
            return await self._commit(commits)
        except Exception as error:  # noqa: BLE001 - whatever failed, the account's callers get it
            return error

    async def _commit(self, commits: Sequence[Commit]) -> list[CommitResult]:
        results: dict[int, CommitResult] = {}
        for batch in independent_rounds(commits):
            results |= zip(batch, await self._commit_round([commits[i] for i in batch]), strict=True)
        return [results[position] for position in range(len(commits))]

    async def _commit_round(self, commits: Sequence[Commit]) -> list[CommitResult]:
        if len(commits) > 1:
            try:
                return await self._in_transaction(commits)
            except TooManyEntries:
                middle = len(commits) // 2
                return [*await self._commit_round(commits[:middle]), *await self._commit_round(commits[middle:])]
            except NotIndependent:
                pass
            except DatabaseError as error:
                if not is_duplicate(error):
                    raise
        return [await self._commit_one(commit) for commit in commits]

    async def _commit_one(self, commit: Commit) -> CommitResult:
        """Commit one. On a duplicate it is committed already, or another transaction has just created its name."""
        for attempt in range(1, TRIES + 1):
            try:
                return (await self._in_transaction([commit]))[0]
            except DatabaseError as error:
                if not is_duplicate(error) or attempt == TRIES:
                    raise
            known = await self.store.commits.of([commit.upload_id])
            if known:
                return known[commit.upload_id]
        raise AssertionError("the loop above returns or raises")

    async def _in_transaction(self, commits: Sequence[Commit]) -> list[CommitResult]:
        """Commit all in one transaction; NotIndependent if two of them change the same."""
        by_account: defaultdict[str, list[Commit]] = defaultdict(list)
        for commit in commits:
            by_account[commit.account_id].append(commit)
        if len(by_account) > 1 and len(independent_rounds(commits)) > 1:
            raise NotIndependent

        async def work(transaction: Transaction) -> list[CommitResult]:
            if transaction.is_again and len(by_account) > 1:
                raise NotIndependent  # whichever account has met another transaction, the others need not wait for it
            resolved = await self._resolve(commits, transaction.session)
            targets: defaultdict[str, list[Target | DomainError]] = defaultdict(list)
            for commit, target in zip(commits, resolved, strict=True):
                targets[commit.account_id].append(target)
            await self._check_together(targets, len(commits), transaction)
            journal, results, plans = JournalWriter(transaction), {}, []
            for account_id, mine in by_account.items():
                recorder = FileEventRecorder(transaction, account_id, journal=journal)
                plan = await self._plan(mine[0], targets[account_id], recorder, transaction.session)
                for commit, target in zip(mine, targets[account_id], strict=True):
                    results[commit.upload_id] = await plan.add(commit, target)
                plans.append(plan)
            for plan in plans[1:]:
                plans[0].include(plan)
            await plans[0].write()
            return [results[commit.upload_id] for commit in commits]

        return await self.transactor.run(work, lane=by_account.keys())

    async def _resolve(self, commits: Sequence[Commit], session: Session) -> list[Target | DomainError]:
        """The target of each; NotFound for what has come by a link that is revoked."""
        targets = await resolve(self.tree, commits, session)
        link_ids = {commit.link_id for commit in commits if commit.link_id}
        if not link_ids:
            return targets
        known = await self.store.links.existing(link_ids, session)
        return [
            NotFound("link") if commit.link_id and commit.link_id not in known else target
            for commit, target in zip(commits, targets, strict=True)
        ]

    async def _check_together(
        self, targets: Mapping[str, Sequence[Target | DomainError]], number: int, transaction: Transaction
    ) -> None:
        """Refuse what can't share a transaction: too many journal entries, or a tree that two accounts change."""
        accepted = {
            account_id: [target for target in some if isinstance(target, Target)]
            for account_id, some in targets.items()
        }
        if number > 1 and sum(target.entries for some in accepted.values() for target in some) > MAX_ENTRIES:
            raise TooManyEntries
        owners = [{target.owner_id for target in some} for some in accepted.values()]
        every = set[str]().union(*owners)
        if sum(map(len, owners)) > len(every):
            raise NotIndependent
        if transaction.is_again:
            await touch_owner_journals(transaction.database, every, transaction.session)

    async def _plan(
        self, first: Commit, targets: Sequence[Target | DomainError], recorder: FileEventRecorder, session: Session
    ) -> CommitPlan:
        """An empty plan for the commits of one account."""
        changes = TreeChanges(self.clock(), first.account_id, first.device)
        places = [target.current for target in targets if isinstance(target, Target) and target.current]
        histories = await full_histories(places, self.bounds, changes.now, self.store, session)
        return CommitPlan(self.store, session, changes, recorder, histories, self.bounds)


def _check(intent: UploadIntent, target: Target | DomainError, now: datetime) -> WriteAllowed:
    if isinstance(target, DomainError):
        raise target
    current = target.current.node if target.current else None
    target.outcome(intent, now)
    return {
        "owner_id": target.owner_id,
        "path": target.seen_path,
        "file_id": current.id if current else None,
        "current_version": current.version if current else 0,
    }
