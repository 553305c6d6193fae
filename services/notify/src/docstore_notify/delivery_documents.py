"""Deliveries as MongoDB documents."""

from dataclasses import asdict
from typing import Any

from docstore_notify.domain import Delivery, Target


def row_of(delivery: Delivery) -> dict[str, Any]:
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
    """Return the subscriptions that asked for the listed events."""
    return list(dict.fromkeys(str(item["subscription_id"]) for item in delivery.items if "subscription_id" in item))


def delivery_of(row: dict[str, Any]) -> Delivery:
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
