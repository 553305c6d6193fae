"""Whose retention policy has something to let go: by indexes of root folders, so that what is not due costs nothing.

A root says since when its owner has something in the trash (`trash_from`) and old versions of files (`versions_from`),
and what they chose. What is due follows from the two, so a new default or a new choice touches no other document.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from docstore_metadata.journal.repository import touch_owner_journals
from docstore_metadata.retention.rules import Bounds, Choice
from docstore_metadata.storage import Store
from docstore_metadata.tree.documents import choice_document, node_of
from docstore_metadata.tree.rules import Node
from docstore_platform.ids import new_id
from docstore_platform.mongo import ASCENDING, Document, IndexModel, ReturnDocument, Session
from docstore_work.lease_queue import LeaseLost

Since = Literal["trash_from", "versions_from", "recheck_from"]
"""What is looked at. `recheck_from`: a choice was made then, and files may have more versions than it leaves."""
DAYS: dict[Since, str] = {"trash_from": "trash_days", "versions_from": "version_days"}

RESTART_RETENTION: list[Document] = [
    {"$set": {since: {"$cond": [f"${since}", "$$NOW", "$$REMOVE"]} for since in DAYS}},
    {"$unset": "lease"},
]
"""An update of the root of somebody who could not look after it: what is in the trash counts as put there now, old
versions as replaced now, and whoever lets something go of theirs stops."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An account whose due trash or versions one instance may let go, as long as it holds the lease."""

    account_id: str
    since: Since
    lease: str


class RetentionStore:
    """Leases are by the time that its caller says it is."""

    def __init__(self, store: Store, bounds: Bounds, *, lease_seconds: float) -> None:
        self._nodes = store.nodes
        self._bounds = bounds
        self._lease = timedelta(seconds=lease_seconds)

    async def create_indexes(self) -> None:
        if "trash_due" not in await self._nodes.index_information():
            await self._begin()
        await self._nodes.create_indexes(
            [
                *(_index(f"retention.{days}", since, name=_due(since), on=since) for since, days in DAYS.items()),
                _index("recheck_from", name=_due("recheck_from"), on="recheck_from"),
                _index("owner", "replaced_from", name="old_versions", on="replaced_from"),
                IndexModel(
                    [("owner", ASCENDING), ("kept_versions", ASCENDING)],
                    name="many_versions",
                    partialFilterExpression={"kept_versions": {"$gt": 1}},
                ),
            ]
        )

    async def _begin(self) -> None:
        """What was thrown away before there were policies counts as thrown away now; once, before the indexes are."""
        roots = {"parent": None, "live": True, "trash_from": {"$exists": False}}
        await self._nodes.update_many(roots, [{"$set": {"trash_from": "$$NOW", "versions_from": "$$NOW"}}])
        files = {"kept_versions": {"$gt": 1}, "replaced_from": {"$exists": False}}
        await self._nodes.update_many(files, [{"$set": {"replaced_from": "$created"}}])

    async def claim(self, now: datetime) -> Claim | None:
        """An account that has something to let go, for this instance alone until its lease ends."""
        for since, field in DAYS.items():
            async for days, chosen in self._classes(since, field):
                due = {f"retention.{field}": chosen, since: {"$lte": now - timedelta(days=days)}}
                if claim := await self._take(since, due, now):
                    return claim
        return await self._take("recheck_from", {"recheck_from": {"$lte": now}}, now)

    async def _classes(self, since: Since, field: str) -> AsyncIterator[tuple[int, int | None]]:
        """After how many days something goes, by what was chosen, None by those who did not choose.

        One seek in the index for each number of days that anybody chose.
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

    async def _take(self, since: Since, due: Document, now: datetime) -> Claim | None:
        """Not of those who are suspended: they can't look after their trash."""
        free = {"held_until": {"$not": {"$gt": now}}, "suspended": {"$ne": True}}
        lease = new_id()
        taking = {"$set": {"held_until": now + self._lease, "lease": lease}}
        row = await self._nodes.find_one_and_update(
            {**due, **free}, taking, {"_id": 1}, sort=[(since, ASCENDING)], hint=_due(since)
        )
        return None if row is None else Claim(row["_id"], since, lease)

    async def renew(self, claim: Claim, now: datetime, session: Session) -> Node:
        """The account's root as it is. LeaseLost if another has it, or a choice was made meanwhile."""
        row = await self._nodes.find_one_and_update(
            {"_id": claim.account_id, "lease": claim.lease},
            {"$set": {"held_until": now + self._lease}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if row is None:
            raise LeaseLost
        return node_of(row)

    async def finish(self, claim: Claim, rest: datetime | None, session: Session) -> None:
        """Nothing more is due; `rest`: since when what remains is there, None if nothing does.

        What comes to be the first of its kind meanwhile conflicts with this, since both write the owner's journal.
        """
        if rest is None:
            await touch_owner_journals(self._nodes.database, [claim.account_id], session)
        set_rest: Document = {} if rest is None else {"$set": {claim.since: rest}}
        unset = ["held_until", "lease"] if rest else ["held_until", "lease", claim.since]
        update = {**set_rest, "$unset": dict.fromkeys(unset, "")}
        await self._nodes.update_one({"_id": claim.account_id}, update, session=session)

    async def choose(self, account_id: str, choice: Choice, session: Session) -> None:
        """Note what a person chose; whoever lets something go of theirs stops, until the choice takes effect."""
        held_until = choice.at + self._bounds.grace
        chosen = {"retention": choice_document(choice), "held_until": held_until, "recheck_from": choice.at}
        update = {"$set": chosen, "$unset": {"lease": ""}}
        await self._nodes.update_one({"_id": account_id}, update, session=session)


def _due(since: Since) -> str:
    return f"{since.removesuffix('_from')}_due"


def _index(*fields: str, name: str, on: str) -> IndexModel:
    """Of the documents that have the field `on`."""
    keys = [(field, ASCENDING) for field in fields]
    return IndexModel(keys, name=name, partialFilterExpression={on: {"$exists": True}})
