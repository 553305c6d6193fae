"""The log of a delivery's attempts as a MongoDB document."""

from datetime import datetime
from typing import Any

from docstore_notify.deliveries.rules import AttemptResult, DeliveryLogEntry, LoggedAttempt

LOGGED_TRIES = 20
"""Attempts that the log keeps, the last ones."""
DETAIL_CHARS = 300


def attempt_row(attempt: AttemptResult, at: datetime) -> dict[str, Any]:
    return {"at": at, "status": attempt.status, "detail": attempt.detail[:DETAIL_CHARS]}


def log_with(row: dict[str, Any], attempt: AttemptResult, at: datetime) -> list[dict[str, Any]]:
    """Return the log of a claimed delivery with one more attempt; only the claim's holder changes it."""
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
