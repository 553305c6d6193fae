"""Accounts with their reservations and usage, and the totals of all, in MongoDB."""

import random
from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from docstore_platform.mongodb.client import (
    ASCENDING,
    Collection,
    Database,
    Document,
    IndexModel,
    InsertOne,
    ReturnDocument,
    Session,
    UpdateOne,
    with_later_majority,
)
from docstore_quota.rules import MAX_OPEN_RESERVATIONS, PLANS, Account, Plan, Reservation, Totals

Pair = tuple[Account | None, Account]
"""An account before and after a change; before None: it is new."""

TOTAL_SHARDS = 16
"""Documents that share a plan's totals, so that instances rarely conflict."""

FIGURES = (
    "plan",
    "limit",
    "used",
    "reserved",
    "open",
    "documents",
    "over_quota",
    "revision",
    "plan_revision",
    "told_exceeded_at",
)


class Accounts(Protocol):
    """Usage of all accounts."""

    async def get(self, account_id: str, reservation_ids: Several[str] = ()) -> Account | None:
        """Return an account with the named reservations."""

    async def reserve(self, account_id: str, sizes: Mapping[str, int], expires_at: datetime) -> Account | None:
        """Reserve all of `sizes` (by reservation) in one conditional write. Returns None without a write if they don't
        fit together, one of them exists, too many are open, or the account is unknown.

        The caller's majority write of what it reserved for makes the reservation durable. One that is lost because the
        database died before that lets the account exceed its limit by what was reserved.
        """

    async def load(
        self, account_ids: Several[str], reservation_ids: Several[str] | None, session: Session
    ) -> dict[str, Account]:
        """Load accounts to change in this transaction, with the named reservations; None: all of them."""

    async def save(self, pairs: Sequence[Pair], session: Session) -> None:
        """Write changed figures and reservations."""

    async def due_to_expire(self, before: datetime, limit: int) -> list[str]:
        """Return accounts with a reservation that expired by `before`, longest overdue first."""

    async def page(self, after: str, limit: int) -> list[Account]:
        """Return accounts by id, without their reservations."""

    async def count_totals(self, change: Mapping[Plan, Totals], session: Session) -> None:
        """Add `change` to the totals."""

    async def totals(self) -> dict[Plan, Totals]: ...


class MongoAccounts:
    """A document for each account that contains its open reservations, so that figures and reservations agree."""

    def __init__(self, database: Database) -> None:
        self._accounts: Collection = database["accounts"]
        self._totals: Collection = database["totals"]

    async def create_indexes(self) -> None:
        await self._accounts.create_indexes(
            [IndexModel([("next_expiry", ASCENDING)], partialFilterExpression={"next_expiry": {"$exists": True}})]
        )

    async def get(self, account_id: str, reservation_ids: Several[str] = ()) -> Account | None:
        row = await self._accounts.find_one({"_id": account_id}, _projection(reservation_ids))
        return _account(row) if row else None

    async def reserve(self, account_id: str, sizes: Mapping[str, int], expires_at: datetime) -> Account | None:
        total = sum(sizes.values())
        room = {"$lte": [{"$add": ["$used", "$reserved", total]}, "$limit"]}
        unknown = {f"reservations.{each}": {"$exists": False} for each in sizes}
        kept = {f"reservations.{each}": {"size": size, "expires_at": expires_at} for each, size in sizes.items()}
        row = await with_later_majority(self._accounts).find_one_and_update(
            {"_id": account_id, "open": {"$lte": MAX_OPEN_RESERVATIONS - len(sizes)}, "$expr": room, **unknown},
            {
                "$set": kept,
                "$inc": {"reserved": total, "open": len(sizes)},
                "$min": {"next_expiry": expires_at},
            },
            projection=_projection(()),
            return_document=ReturnDocument.AFTER,
        )
        return _account(row) if row else None

    async def load(
        self, account_ids: Several[str], reservation_ids: Several[str] | None, session: Session
    ) -> dict[str, Account]:
        rows = self._accounts.find({"_id": {"$in": list(account_ids)}}, _projection(reservation_ids), session=session)
        return {row["_id"]: _account(row) async for row in rows}

    async def save(self, pairs: Sequence[Pair], session: Session) -> None:
        writes = [InsertOne(_new_row(after)) if before is None else _update(before, after) for before, after in pairs]
        wanted = [write for write in writes if write is not None]
        if wanted:
            await self._accounts.bulk_write(wanted, session=session)

    async def due_to_expire(self, before: datetime, limit: int) -> list[str]:
        rows = self._accounts.find({"next_expiry": {"$lte": before}}, {"_id": 1}).sort("next_expiry", 1).limit(limit)
        return [row["_id"] async for row in rows]

    async def page(self, after: str, limit: int) -> list[Account]:
        rows = self._accounts.find({"_id": {"$gt": after}}, _projection(())).sort("_id", 1).limit(limit)
        return [_account(row) async for row in rows]

    async def count_totals(self, change: Mapping[Plan, Totals], session: Session) -> None:
        shard = random.randrange(TOTAL_SHARDS)
        writes = [
            UpdateOne(
                {"_id": f"{plan}:{shard}"},
                {
                    "$set": {"plan": plan},
                    "$inc": {"accounts": by.accounts, "documents": by.documents, "bytes": by.bytes},
                },
                upsert=True,
            )
            for plan, by in change.items()
        ]
        if writes:
            await self._totals.bulk_write(writes, session=session)

    async def totals(self) -> dict[Plan, Totals]:
        sums: dict[Plan, Totals] = {plan: Totals() for plan in PLANS}
        async for row in self._totals.find():
            sums[row["plan"]] += Totals(row["accounts"], row["documents"], row["bytes"])
        return sums


def _projection(reservation_ids: Several[str] | None) -> dict[str, int] | None:
    if reservation_ids is None:
        return None
    return dict.fromkeys((*FIGURES, "next_expiry", *(f"reservations.{each}" for each in reservation_ids)), 1)


def _account(row: Document) -> Account:
    kept = row.get("reservations", {}).items()
    reservations = {reservation_id: Reservation(one["size"], one["expires_at"]) for reservation_id, one in kept}
    figures = {name: row[name] for name in FIGURES}
    return Account(id=row["_id"], next_expiry=row.get("next_expiry"), reservations=reservations, **figures)


def _figures(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in FIGURES}


def _new_row(account: Account) -> Document:
    return {"_id": account.id, **_figures(account)}


def _update(before: Account, after: Account) -> UpdateOne | None:
    old, new = _figures(before), _figures(after)
    changed = {name: value for name, value in new.items() if value != old[name]}
    for reservation_id, kept in after.reservations.items():
        if kept != before.reservations.get(reservation_id):
            changed[f"reservations.{reservation_id}.size"] = kept.size
    gone = {f"reservations.{reservation_id}": "" for reservation_id in sorted(after.ended)}
    if after.next_expiry is None:
        gone["next_expiry"] = ""
    elif after.next_expiry != before.next_expiry:
        changed["next_expiry"] = after.next_expiry
    update: Document = {}
    if changed:
        update["$set"] = changed
    if gone:
        update["$unset"] = gone
    return UpdateOne({"_id": after.id}, update) if update else None
