"""What the repository of deliveries writes: growth of a digest, attempts, entries of the log."""

from datetime import datetime
from typing import Any

from docstore_notify.deliveries.rules import AttemptResult, DeliveryLogEntry, LoggedAttempt
from docstore_notify.delivery_documents import followed_in
from docstore_notify.domain import Delivery
from docstore_platform.mongo import Document, UpdateOne

LOGGED_TRIES = 20
"""The last tries of a message that its log shows."""
DETAIL_CHARS = 300


def growth(before: Delivery, after: Delivery) -> UpdateOne:
    items, event_ids = after.items[len(before.items) :], after.event_ids[len(before.event_ids) :]
    change: dict[str, Any] = {"$push": {"items": {"$each": list(items)}, "event_ids": {"$each": list(event_ids)}}}
    if after.due_at != before.due_at:
        change["$set"] = {"due_at": after.due_at, "next_at": after.due_at}
    followed = followed_in(after)
    if followed:
        change["$addToSet"] = {"followed": {"$each": followed}}
    return UpdateOne({"_id": after.id}, change)


def attempt_row(attempt: AttemptResult, at: datetime) -> Document:
    return {"at": at, "status": attempt.status, "detail": attempt.detail[:DETAIL_CHARS]}


def log_with(row: Document, attempt: AttemptResult, at: datetime) -> list[Document]:
    """The log of a claimed delivery with one attempt more: only who holds it adds to it."""
    return [*row.get("log", []), attempt_row(attempt, at)][-LOGGED_TRIES:]


def log_entry(row: Document) -> DeliveryLogEntry:
    return DeliveryLogEntry(
        row["_id"],
        row["kind"],
        row["state"],
        row["created_at"],
        row["attempts"],
        tuple(LoggedAttempt(one["at"], one["status"], one["detail"]) for one in row.get("log", [])),
        tuple(row["event_ids"]),
        row.get("next_at"),
        row.get("error", ""),
    )
