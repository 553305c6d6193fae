"""Commits: what was uploaded becomes a version of a file, once, many in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from docstore_contracts.metadata import CheckResult, CommitResult, WriteAllowed
from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.commits.batcher import CommitBatcher
from docstore_metadata.commits.plan import CommitPlan, NotIndependent
from docstore_metadata.commits.rules import Commit, UploadIntent, decide, independent_rounds
from docstore_metadata.commits.targets import Target, resolve
from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.journal.repository import MAX_ENTRIES, touch_owner_journals
from docstore_metadata.retention.rules import Bounds
from docstore_metadata.storage import Store
from docstore_metadata.tree.changes import TreeChanges
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.presentation import item_problem
from docstore_metadata.tree.rules import Place
from docstore_metadata.versions.rules import Version
from docstore_platform.clock import Clock, utc_now
from docstore_platform.database import DatabaseError, Session, is_duplicate
from docstore_platform.errors import DomainError

TRIES = 3


class TooManyEntries(Exception):
    """Commits of a batch go to so many readers that the journals' entries are too many for one transaction."""


class CommitService:
    """Commits uploads, each once: asked again with the same upload it gives the same answer again."""

    def __init__(
        self, store: Store, tree: Tree, transactor: Transactor, *, bounds: Bounds, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._bounds = bounds
        self._clock = clock
        self._groups = CommitBatcher(self._commit)

    async def check(self, intents: Sequence[UploadIntent]) -> list[CheckResult]:
        """Whether each write would be accepted now. All are of one account."""
        answers: list[CheckResult] = []
        for intent, target in zip(intents, await resolve(self._tree, intents), strict=True):
            try:
                answers.append(_check(intent, target))
            except DomainError as refusal:
                answers.append(item_problem(refusal))
        return answers

    async def commit(self, commits: Sequence[Commit]) -> list[CommitResult]:
        """The answers, in order: a file or a problem each. All are of one account."""
        return await self._groups.run(commits[0].account_id, commits)

    async def _commit(self, commits: Sequence[Commit]) -> list[CommitResult]:
        answers: dict[int, CommitResult] = {}
        for batch in independent_rounds(commits):
            for position, answer in zip(batch, await self._together([commits[i] for i in batch]), strict=True):
                answers[position] = answer
        return [answers[position] for position in range(len(commits))]

    async def _together(self, commits: Sequence[Commit]) -> list[CommitResult]:
        if len(commits) > 1:
            try:
                return await self._in_transaction(commits)
            except TooManyEntries:
                middle = len(commits) // 2
                return [*await self._together(commits[:middle]), *await self._together(commits[middle:])]
            except NotIndependent:
                pass
            except DatabaseError as error:
                if not is_duplicate(error):
                    raise
        return [await self._alone(commit) for commit in commits]

    async def _alone(self, commit: Commit) -> CommitResult:
        """Commit one; a duplicate means that it, or something of its name, has just been made by somebody else."""
        for attempt in range(1, TRIES + 1):
            known = await self._store.commits.of([commit.upload_id])
            if known:
                return known[commit.upload_id]
            try:
                return (await self._in_transaction([commit]))[0]
            except DatabaseError as error:
                if not is_duplicate(error) or attempt == TRIES:
                    raise
        raise AssertionError("the loop above returns or raises")

    async def _in_transaction(self, commits: Sequence[Commit]) -> list[CommitResult]:
        async def work(transaction: Transaction) -> list[CommitResult]:
            session, account_id = transaction.session, commits[0].account_id
            changes = TreeChanges(self._clock(), account_id, commits[0].device)
            targets = await resolve(self._tree, commits, session)
            accepted = [target for target in targets if isinstance(target, Target)]
            if len(commits) > 1 and sum(target.entries for target in accepted) > MAX_ENTRIES:
                raise TooManyEntries
            if transaction.is_again:
                await touch_owner_journals(transaction.database, {target.owner_id for target in accepted}, session)
            histories = await self._full_histories(targets, changes.now, session)
            recorder = FileEventRecorder(transaction, account_id)
            plan = CommitPlan(self._store, session, changes, recorder, histories, self._bounds)
            answers = [await plan.add(commit, target) for commit, target in zip(commits, targets, strict=True)]
            await plan.write()
            return answers

        return await self._transactor.run(work, lane=commits[0].account_id)

    async def _full_histories(
        self, targets: Sequence[Target | DomainError], now: datetime, session: Session
    ) -> dict[str, list[Version]]:
        """The versions of those files that have as many as their owner's policy allows."""
        places = [target.current for target in targets if isinstance(target, Target) and target.current]
        full = [place.node for place in places if place.node.kept_versions >= self._room(place, now)]
        histories: defaultdict[str, list[Version]] = defaultdict(list)
        if full:
            for version in await self._store.versions.of(full, session):
                histories[version.node_id].append(version)
        return histories

    def _room(self, place: Place, now: datetime) -> int:
        return self._bounds.versions_kept(place.ancestors[0].retention, now)


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
