"""The one JSON form that machine channels deliver."""

import json
from typing import Any

from docstore_notify.domain import Delivery

MAX_BODY_BYTES = 240_000
"""AWS takes 256 KB, with a message's attributes."""


def message_json(delivery: Delivery) -> dict[str, Any]:
    """What a receiver gets: `id` is the same over all tries, so it tells doubles; `more` counts what is not listed."""
    return {
        "id": delivery.id,
        "type": delivery.kind,
        "created_at": delivery.created_at.isoformat(),
        "items": [dict(facts) for facts in delivery.items],
        "more": delivery.unlisted,
    }


def message_body(delivery: Delivery) -> str:
    """The JSON in ASCII, for queues refuse some characters; if it grew too big, the last items are only counted."""
    message = message_json(delivery)
    while len(body := json.dumps(message, separators=(",", ":"))) > MAX_BODY_BYTES and message["items"]:
        kept = len(message["items"]) // 2
        message["more"] += len(message["items"]) - kept
        del message["items"][kept:]
    return body


def attributes(delivery: Delivery) -> dict[str, dict[str, str]]:
    """Message attributes of SNS and SQS, for filters and to tell doubles without a look into the body."""
    values = {"kind": delivery.kind, "delivery_id": delivery.id}
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
