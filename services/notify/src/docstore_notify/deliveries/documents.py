"""The log of a delivery, as it is stored."""

from datetime import datetime
from typing import Any

from docstore_notify.deliveries.rules import AttemptResult, DeliveryLogEntry, LoggedAttempt

LOGGED_TRIES = 20
"""The last tries of a message that its log shows."""
DETAIL_CHARS = 300


def attempt_row(attempt: AttemptResult, at: datetime) -> dict[str, Any]:
    return {"at": at, "status": attempt.status, "detail": attempt.detail[:DETAIL_CHARS]}


def log_with(row: dict[str, Any], attempt: AttemptResult, at: datetime) -> list[dict[str, Any]]:
    """The log of a claimed delivery with one attempt more: only who holds it adds to it."""
    return [*row.get("log", []), attempt_row(attempt, at)][-LOGGED_TRIES:]


def log_entry(row: dict[str, Any]) -> DeliveryLogEntry:
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
