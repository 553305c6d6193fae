"""Commits: what was uploaded becomes a version of a file, once, many in one transaction."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.announcing import Announcer
from docstore_metadata.commit_plan import Commit, CommitPlan, NotIndependent
from docstore_metadata.domain import OnConflict, Place, Version, decide
from docstore_metadata.errors import Refusal
from docstore_metadata.journal import MAX_ENTRIES, meet_owners
from docstore_metadata.presentation import Json, item_problem
from docstore_metadata.retention_policy import Bounds
from docstore_metadata.storage import Store, is_duplicate
from docstore_metadata.targets import Changes, Target, resolve
from docstore_metadata.tree import Tree
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongo import PyMongoError, Session

TRIES = 3
MAX_TOGETHER = 500


class TooManyEntries(Exception):
    """Commits of a batch go to so many readers that the journals' entries are too many for one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write that somebody is going to commit."""

    account_id: str
    path: str | None
    parent_id: str | None
    file_id: str | None
    base_version: int | None
    on_conflict: OnConflict


class Committer:
    """Commits uploads, each once: asked again with the same upload it gives the same answer again."""

    def __init__(
        self, store: Store, tree: Tree, transactor: Transactor, *, bounds: Bounds, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._bounds = bounds
        self._clock = clock
        self._groups = Groups(self._commit)

    async def check(self, intents: Sequence[Intent]) -> list[Json]:
        """Whether each write would be accepted now. All are of one account."""
        answers: list[Json] = []
        for intent, target in zip(intents, await resolve(self._tree, intents), strict=True):
            try:
                answers.append(_check(intent, target))
            except Refusal as refusal:
                answers.append(item_problem(refusal))
        return answers

    async def commit(self, commits: Sequence[Commit]) -> list[Json]:
        """The answers, in order: a file or a problem each. All are of one account."""
        return await self._groups.run(commits[0].account_id, commits)

    async def _commit(self, commits: Sequence[Commit]) -> list[Json]:
        answers: dict[int, Json] = {}
        for batch in independent_rounds(commits):
            for position, answer in zip(batch, await self._together([commits[i] for i in batch]), strict=True):
                answers[position] = answer
        return [answers[position] for position in range(len(commits))]

    async def _together(self, commits: Sequence[Commit]) -> list[Json]:
        if len(commits) > 1:
            try:
                return await self._in_transaction(commits)
            except TooManyEntries:
                middle = len(commits) // 2
                return [*await self._together(commits[:middle]), *await self._together(commits[middle:])]
            except NotIndependent:
                pass
            except PyMongoError as error:
                if not is_duplicate(error):
                    raise
        return [await self._alone(commit) for commit in commits]

    async def _alone(self, commit: Commit) -> Json:
        """Commit one; a duplicate means that it, or something of its name, has just been made by somebody else."""
        for attempt in range(1, TRIES + 1):
            known = await self._known([commit.upload_id])
            if known:
                return known[commit.upload_id]
            try:
                return (await self._in_transaction([commit]))[0]
            except PyMongoError as error:
                if not is_duplicate(error) or attempt == TRIES:
                    raise
        raise AssertionError("the loop above returns or raises")

    async def _in_transaction(self, commits: Sequence[Commit]) -> list[Json]:
        async def work(transaction: Transaction) -> list[Json]:
            session, account_id = transaction.session, commits[0].account_id
            changes = Changes(self._clock(), account_id, commits[0].device)
            targets = await resolve(self._tree, commits, session)
            accepted = [target for target in targets if isinstance(target, Target)]
            if len(commits) > 1 and sum(target.entries for target in accepted) > MAX_ENTRIES:
                raise TooManyEntries
            if transaction.is_again:
                await meet_owners(transaction.database, {target.owner_id for target in accepted}, session)
            histories = await self._full_histories(targets, changes.now, session)
            announcer = Announcer(transaction, account_id)
            plan = CommitPlan(self._store, session, changes, announcer, histories, self._bounds)
            answers = [await plan.add(commit, target) for commit, target in zip(commits, targets, strict=True)]
            await plan.write()
            return answers

        return await self._transactor.run(work, lane=commits[0].account_id)

    async def _full_histories(
        self, targets: Sequence[Target | Refusal], now: datetime, session: Session
    ) -> dict[str, list[Version]]:
        """The versions of those files that have as many as their owner's policy allows."""
        places = [target.current for target in targets if isinstance(target, Target) and target.current]
        full = [place.node for place in places if place.node.kept_versions >= self._room(place, now)]
        histories: defaultdict[str, list[Version]] = defaultdict(list)
        if full:
            for version in await self._store.versions_of(full, session):
                histories[version.node_id].append(version)
        return histories

    def _room(self, place: Place, now: datetime) -> int:
        return self._bounds.versions_kept(place.ancestors[0].retention, now)

    async def _known(self, upload_ids: list[str]) -> dict[str, Json]:
        rows = self._store.commits.find({"_id": {"$in": upload_ids}})
        return {row["_id"]: row["answer"] async for row in rows}


def _check(intent: Intent, target: Target | Refusal) -> Json:
    if isinstance(target, Refusal):
        raise target
    current = target.current.node if target.current else None
    decide(current, intent.base_version, target.on_conflict(intent))
    return {
        "owner_id": target.owner_id,
        "path": target.seen_path,
        "file_id": current.id if current else None,
        "current_version": current.version if current else 0,
    }


def independent_rounds(commits: Sequence[Commit]) -> list[list[int]]:
    """Positions of `commits` in rounds to be taken one after the other.

    Within a round no two are of one upload, go to one path or one file, or need as a folder what another makes a file.
    """
    rounds: list[list[int]] = []
    waiting = list(range(len(commits)))
    while waiting:
        taken: set[str] = set()
        folders: set[str] = set()
        batch: list[int] = []
        later: list[int] = []
        for position in waiting:
            commit = commits[position]
            start = commit.parent_id or ""
            goal = f"{start}{commit.path}" if commit.path is not None else f"id:{commit.file_id}"
            above = {start + folder for folder in _folders(commit.path or "")}
            clashes = goal in taken or goal in folders or commit.upload_id in taken or not taken.isdisjoint(above)
            (later if clashes else batch).append(position)
            taken |= {goal, commit.upload_id}
            folders |= above
        rounds.append(batch)
        waiting = later
    return rounds


def _folders(path: str) -> set[str]:
    return {path[:end] for end, char in enumerate(path) if char == "/" and end}


CommitAll = Callable[[Sequence[Commit]], Awaitable[list[Json]]]
Waiting = tuple[Sequence[Commit], asyncio.Future[list[Json]]]


class Groups:
    """Commits that come while others of the same account are being written wait, and are then written together.

    So the requests of many clients into one folder share a transaction instead of fighting over it.
    """

    def __init__(self, commit: CommitAll) -> None:
        self._commit = commit
        self._waiting: dict[str, list[Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, account_id: str, commits: Sequence[Commit]) -> list[Json]:
        answer: asyncio.Future[list[Json]] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(account_id)
        if waiting is None:
            self._waiting[account_id] = [(commits, answer)]
            task = asyncio.create_task(self._work(account_id), name=f"commits of {account_id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            waiting.append((commits, answer))
        return await answer

    async def _work(self, account_id: str) -> None:
        waiting = self._waiting[account_id]
        try:
            while waiting:
                group = [waiting.pop(0)]
                while waiting and sum(len(commits) for commits, _ in group) + len(waiting[0][0]) <= MAX_TOGETHER:
                    group.append(waiting.pop(0))
                await self._answer(group)
        finally:
            del self._waiting[account_id]

    async def _answer(self, group: list[Waiting]) -> None:
        try:
            answers = await self._commit([commit for commits, _ in group for commit in commits])
        except BaseException as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else ConnectionError("shutting down"))
            if not isinstance(error, Exception):
                raise
            return
        for commits, future in group:
            mine, answers = answers[: len(commits)], answers[len(commits) :]
            if not future.done():
                future.set_result(mine)
