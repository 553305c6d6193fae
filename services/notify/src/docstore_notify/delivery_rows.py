"""Deliveries as MongoDB keeps them."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from docstore_notify.attempts import Attempt
from docstore_notify.domain import Delivery, Kind, State, Target
from docstore_platform.mongo import Document, UpdateOne

LOGGED_TRIES = 20
"""The last tries of a message that its log shows."""
DETAIL_CHARS = 300


@dataclass(frozen=True, slots=True)
class Try:
    at: datetime
    status: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Logged:
    """What became of one message."""

    id: str
    kind: Kind
    state: State
    created_at: datetime
    attempts: int
    tries: tuple[Try, ...]
    """The last of them."""
    event_ids: tuple[str, ...]
    next_at: datetime | None
    error: str
    """Why it failed without a try."""


def row_of(delivery: Delivery) -> Document:
    row = {
        "_id": delivery.id,
        "account_id": delivery.account_id,
        "channel": delivery.channel,
        "kind": delivery.kind,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "items": list(delivery.items),
        "event_ids": list(delivery.event_ids),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "traceparent": delivery.traceparent,
    }
    if delivery.subscription_id is not None:
        row["subscription_id"] = delivery.subscription_id
    else:
        row["next_at"] = delivery.due_at
        if delivery.target is not None:
            row["target"] = asdict(delivery.target)
    followed = followed_in(delivery)
    return {**row, "followed": followed} if followed else row


def followed_in(delivery: Delivery) -> list[str]:
    """The subscriptions that asked for what is listed."""
    return list(dict.fromkeys(str(item["subscription_id"]) for item in delivery.items if "subscription_id" in item))


def growth(before: Delivery, after: Delivery) -> UpdateOne:
    items, event_ids = after.items[len(before.items) :], after.event_ids[len(before.event_ids) :]
    change: dict[str, Any] = {"$push": {"items": {"$each": list(items)}, "event_ids": {"$each": list(event_ids)}}}
    if after.due_at != before.due_at:
        change["$set"] = {"due_at": after.due_at, "next_at": after.due_at}
    followed = followed_in(after)
    if followed:
        change["$addToSet"] = {"followed": {"$each": followed}}
    return UpdateOne({"_id": after.id}, change)


def delivery_of(row: Document) -> Delivery:
    return Delivery(
        id=row["_id"],
        account_id=row["account_id"],
        channel=row["channel"],
        kind=row["kind"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        items=tuple(row["items"]),
        event_ids=tuple(row["event_ids"]),
        state=row["state"],
        attempts=row["attempts"],
        traceparent=row["traceparent"],
        target=Target(**row["target"]) if "target" in row else None,
        subscription_id=row.get("subscription_id"),
    )


def try_row(attempt: Attempt, at: datetime) -> Document:
    return {"at": at, "status": attempt.status, "detail": attempt.detail[:DETAIL_CHARS]}


def with_try(attempt: Attempt, at: datetime) -> Document:
    """For an update by pipeline: the log with one try more. Literal: a receiver's answer may begin with a `$`."""
    tries = [{"$ifNull": ["$log", []]}, [{"$literal": try_row(attempt, at)}]]
    return {"$slice": [{"$concatArrays": tries}, -LOGGED_TRIES]}


def logged(row: Document) -> Logged:
    return Logged(
        row["_id"],
        row["kind"],
        row["state"],
        row["created_at"],
        row["attempts"],
        tuple(Try(one["at"], one["status"], one["detail"]) for one in row.get("log", [])),
        tuple(row["event_ids"]),
        row.get("next_at"),
        row.get("error", ""),
    )
