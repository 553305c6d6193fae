"""The JSON message of all machine channels."""

import json
from typing import Any

from docstore_notify.domain import Delivery

MAX_BODY_BYTES = 240_000
"""AWS accepts 256 KB including a message's attributes."""


def message_json(delivery: Delivery) -> dict[str, Any]:
    """Return the message; `id` is the same in all attempts, for deduplication; `more` counts unlisted items."""
    return {
        "id": delivery.id,
        "type": delivery.kind,
        "created_at": delivery.created_at.isoformat(),
        "items": [dict(facts) for facts in delivery.items],
        "more": delivery.unlisted,
    }


def message_body(delivery: Delivery) -> str:
    """Return the JSON in ASCII, since queues refuse some characters; items that don't fit are only counted."""
    message = message_json(delivery)
    while len(body := json.dumps(message, separators=(",", ":"))) > MAX_BODY_BYTES and message["items"]:
        kept = len(message["items"]) // 2
        message["more"] += len(message["items"]) - kept
        del message["items"][kept:]
    return body


def attributes(delivery: Delivery) -> dict[str, dict[str, str]]:
    """Return message attributes of SNS and SQS, for filters and for deduplication without parsing the body."""
    values = {"kind": delivery.kind, "delivery_id": delivery.id}
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
