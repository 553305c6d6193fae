"""Finds accounts past their retention by indexes of root folders: accounts without due work cost nothing.

A root stores since when its owner has trash (`trash_from`) and old versions of files (`versions_from`), and the chosen
policy. What is due follows from these, so that a new default or choice writes no other document.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from docstore_metadata.changes.journal_writer_repository import touch_owner_journals
from docstore_metadata.documents import index
from docstore_metadata.paging import EPOCH
from docstore_metadata.tree.documents import choice_document, node_of
from docstore_metadata.tree.retention_policy import Bounds, Choice
from docstore_metadata.tree.rules import Node
from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Document,
    ReturnDocument,
    Session,
    database_of,
    server_time,
)

Since = Literal["trash_from", "versions_from", "recheck_from"]
"""Fields by which work is due. `recheck_from`: a choice was made then, and files may exceed its number of versions."""
OLDEST_TRASH = [("trashed_at", 1), ("_id", 1)]
FIRST: dict[Since, str] = {"trash_from": "trashed_at", "versions_from": "replaced_from"}
"""The field of items whose earliest value a root stores."""
DAYS: dict[Since, str] = {"trash_from": "trash_days", "versions_from": "version_days"}


@dataclass(frozen=True, slots=True)
class DueAccount:
    """An account with trash or versions past their retention."""

    account_id: str
    since: Since
    condition: Document
    """Condition of its root: it no longer matches after another choice, or a restart of its retention."""


class RetentionRoots(Protocol):
    """Retention choices in the roots of accounts."""

    async def now(self) -> datetime:
        """By the database's clock."""

    async def choose(self, account_id: str, choice: Choice, session: Session) -> None:
        """Store a choice; deletions in the account stop until it takes effect."""


class DueRoots(Protocol):
    """Accounts with work past their retention."""

    async def next_due(self, now: datetime) -> DueAccount | None:
        """The account whose trash or versions have been overdue the longest, under one policy."""

    async def begin_step(self, due: DueAccount, now: datetime, session: Session) -> Node | None:
        """The account's root; None if nothing is due any more, or a choice was made meanwhile.

        Writes the root, so that a concurrent choice conflicts with the step.
        """

    async def postpone(self, due: DueAccount, until: datetime) -> None:
        """Postpone an account whose step failed, so that the others need not wait."""

    async def overdue_trash(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Node]:
        """Trash put there before a moment, the earliest first."""

    async def files_replaced(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Node]:
        """Files whose first old version was replaced before a moment, the earliest first."""

    async def files_with_more(self, owner_id: str, versions: int, limit: int, session: Session) -> list[Node]:
        """Files with more versions than this, those with the most first."""

    async def finish(self, due: DueAccount, session: Session) -> None:
        """Complete the work on an account: store since when the remaining items exist.

        A concurrent transaction that adds the first item conflicts with this: both write the owner's journal.
        """


class MongoRetentionRoots:
    def __init__(self, nodes: Collection, bounds: Bounds) -> None:
        self._nodes = nodes
        self._bounds = bounds

    async def create_indexes(self) -> None:
        if "trash_due" not in await self._nodes.index_information():
            await self._begin()
        await self._nodes.create_indexes(
            [
                *(index(_due(since), f"retention.{days}", since, only=since) for since, days in DAYS.items()),
                index(_due("recheck_from"), "recheck_from", only="recheck_from"),
                index("old_versions", "owner", "replaced_from", only="replaced_from"),
                index("many_versions", "owner", "kept_versions", only={"kept_versions": {"$gt": 1}}),
            ]
        )

    async def _begin(self) -> None:
        """Start the retention of trash from before there were policies; once, before the indexes exist."""
        roots = {"parent": None, "live": True, "trash_from": {"$exists": False}}
        await self._nodes.update_many(roots, [{"$set": {"trash_from": "$$NOW", "versions_from": "$$NOW"}}])
        files = {"kept_versions": {"$gt": 1}, "replaced_from": {"$exists": False}}
        await self._nodes.update_many(files, [{"$set": {"replaced_from": "$created"}}])

    async def now(self) -> datetime:
        return await server_time(database_of(self._nodes))

    async def next_due(self, now: datetime) -> DueAccount | None:
        for since, field in DAYS.items():
            async for days, chosen in self._classes(since, field):
                due = {f"retention.{field}": chosen, since: {"$lte": now - timedelta(days=days)}}
                if account := await self._first(since, due, now):
                    return account
        return await self._first("recheck_from", {"recheck_from": {"$lte": now}}, now)

    async def _classes(self, since: Since, field: str) -> AsyncIterator[tuple[int, int | None]]:
        """Each effective number of days with the chosen one, None for accounts without a choice.

        One index seek per chosen number of days.
        """
        policy = self._bounds.of(None)
        default: int | None = getattr(policy, field)
        if default is not None:
            yield default, None
        path, chosen = f"retention.{field}", -1
        while row := await self._nodes.find_one(
            {path: {"$gt": chosen}, since: {"$exists": True}},
            {path: 1},
            sort=[(path, ASCENDING)],
            hint=_due(since),
        ):
            chosen = row["retention"][field]
            days = self._bounds.days(field, chosen or None)
            if days is not None:
                yield days, chosen

    async def _first(self, since: Since, due: Document, now: datetime) -> DueAccount | None:
        row = await self._nodes.find_one({**due, **_free(now)}, {"_id": 1}, sort=[(since, ASCENDING)], hint=_due(since))
        return None if row is None else DueAccount(row["_id"], since, due)

    async def begin_step(self, due: DueAccount, now: datetime, session: Session) -> Node | None:
        row = await self._nodes.find_one_and_update(
            {"_id": due.account_id, **due.condition, **_free(now)},
            {"$set": {"held_until": now}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return None if row is None else node_of(row)

    async def postpone(self, due: DueAccount, until: datetime) -> None:
        await self._nodes.update_one({"_id": due.account_id, **due.condition}, {"$max": {"held_until": until}})

    async def overdue_trash(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Node]:
        return await self._page({"owner": owner_id, "trashed_at": {"$lte": before}}, OLDEST_TRASH, limit, session)

    async def files_replaced(self, owner_id: str, before: datetime, limit: int, session: Session) -> list[Node]:
        old = {"owner": owner_id, "replaced_from": {"$lte": before}}
        return await self._page(old, [("replaced_from", 1)], limit, session)

    async def files_with_more(self, owner_id: str, versions: int, limit: int, session: Session) -> list[Node]:
        surplus = {"owner": owner_id, "kept_versions": {"$gt": versions}}
        return await self._page(surplus, [("kept_versions", -1)], limit, session)

    async def _page(
        self, condition: Document, order: list[tuple[str, int]], limit: int, session: Session
    ) -> list[Node]:
        rows = self._nodes.find(condition, session=session, sort=order, limit=limit)
        return [node_of(row) for row in await rows.to_list(limit)]

    async def finish(self, due: DueAccount, session: Session) -> None:
        rest: datetime | None = None
        if field := FIRST.get(due.since):
            items = {"owner": due.account_id, field: {"$gt": EPOCH}}
            row = await self._nodes.find_one(items, {field: 1}, sort=[(field, 1)], session=session)
            rest = row[field] if row else None
        if rest is None:
            await touch_owner_journals(database_of(self._nodes), [due.account_id], session)
        set_rest: Document = {} if rest is None else {"$set": {due.since: rest}}
        unset = ["held_until"] if rest else ["held_until", due.since]
        update = {**set_rest, "$unset": dict.fromkeys(unset, "")}
        await self._nodes.update_one({"_id": due.account_id}, update, session=session)

    async def choose(self, account_id: str, choice: Choice, session: Session) -> None:
        held_until = choice.at + self._bounds.grace
        chosen = {"retention": choice_document(choice), "held_until": held_until, "recheck_from": choice.at}
        update = {"$set": chosen, "$unset": {"lease": ""}}  # the token of an instance of an older release
        await self._nodes.update_one({"_id": account_id}, update, session=session)


def _free(now: datetime) -> Document:
    """Neither postponed nor suspended: the owner of a suspended account can't restore anything."""
    return {"held_until": {"$not": {"$gt": now}}, "suspended": {"$ne": True}}


def _due(since: Since) -> str:
    return f"{since.removesuffix('_from')}_due"
