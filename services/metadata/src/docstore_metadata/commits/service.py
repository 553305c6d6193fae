"""Commits uploads: each becomes a version of a file exactly once, many of them in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from docstore_contracts.metadata import CheckResult, CommitResult, WriteAllowed
from docstore_events.transaction import Transaction
from docstore_metadata.changes.journal_writer_repository import MAX_ENTRIES, touch_owner_journals
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.commits.batcher import CommitBatcher
from docstore_metadata.commits.plan import CommitPlan, NotIndependent
from docstore_metadata.commits.rules import Commit, UploadIntent, decide, independent_rounds
from docstore_metadata.commits.targets import Target, resolve
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.presentation import item_problem
from docstore_metadata.tree.retention_policy import Bounds
from docstore_metadata.tree.rules import Place, Version
from docstore_platform.database import DatabaseError, Session, is_duplicate
from docstore_platform.errors import DomainError

TRIES = 3


class TooManyEntries(Exception):
    """The commits of a batch have so many readers that their journal entries exceed one transaction."""


@dataclass(slots=True)
class CommitService(UseCases):
    """Commits each upload once: a repeated commit gets the stored answer."""

    bounds: Bounds
    _batcher: CommitBatcher = field(init=False)

    def __post_init__(self) -> None:
        self._batcher = CommitBatcher(self._commit)

    async def check(self, intents: Sequence[UploadIntent]) -> list[CheckResult]:
        """Whether each write would be accepted now. All are of one account."""
        answers: list[CheckResult] = []
        for intent, target in zip(intents, await resolve(self.tree, intents), strict=True):
            try:
                answers.append(_check(intent, target))
            except DomainError as refusal:
                answers.append(item_problem(refusal))
        return answers

    async def commit(self, commits: Sequence[Commit]) -> list[CommitResult]:
        """The answers, in order: a file or a problem each. All are of one account."""
        return await self._batcher.run(commits[0].account_id, commits)

    async def _commit(self, commits: Sequence[Commit]) -> list[CommitResult]:
        answers: dict[int, CommitResult] = {}
        for batch in independent_rounds(commits):
            answers |= zip(batch, await self._commit_round([commits[i] for i in batch]), strict=True)
        return [answers[position] for position in range(len(commits))]

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
        account_id = commits[0].account_id

        async def work(transaction: Transaction) -> list[CommitResult]:
            session = transaction.session
            changes = TreeChanges(self.clock(), account_id, commits[0].device)
            targets = await resolve(self.tree, commits, session)
            accepted = [target for target in targets if isinstance(target, Target)]
            if len(commits) > 1 and sum(target.entries for target in accepted) > MAX_ENTRIES:
                raise TooManyEntries
            if transaction.is_again:
                await touch_owner_journals(transaction.database, {target.owner_id for target in accepted}, session)
            places = [target.current for target in accepted if target.current]
            histories = await self._full_histories(places, changes.now, session)
            recorder = FileEventRecorder(transaction, account_id)
            plan = CommitPlan(self.store, session, changes, recorder, histories, self.bounds)
            answers = [await plan.add(commit, target) for commit, target in zip(commits, targets, strict=True)]
            await plan.write()
            return answers

        return await self.transactor.run(work, lane=account_id)

    async def _full_histories(
        self, places: Sequence[Place], now: datetime, session: Session
    ) -> Mapping[str, Sequence[Version]]:
        """The versions of those files that have as many as their owner's policy allows."""
        full = [
            place.node
            for place in places
            if place.node.kept_versions >= self.bounds.versions_kept(place.ancestors[0].retention, now)
        ]
        return await self.store.versions.of(full, session) if full else {}


def _check(intent: UploadIntent, target: Target | DomainError) -> WriteAllowed:
    if isinstance(target, DomainError):
        raise target
    current = target.current.node if target.current else None
    decide(current, intent.base_version, target.on_conflict(intent))
    return {
        "owner_id": target.owner_id,
        "path": target.seen_path,
        "file_id": current.id if current else None,
        "current_version": current.version if current else 0,
    }
