"""The one JSON form that machine channels deliver."""

from typing import Any

from docstore_notify.domain import Delivery


def message_json(delivery: Delivery) -> dict[str, Any]:
    """What a receiver gets: `id` is the same over all tries, so it tells doubles; `more` counts what is not listed."""
    return {
        "id": delivery.id,
        "type": delivery.kind,
        "created_at": delivery.created_at.isoformat(),
        "items": [dict(facts) for facts in delivery.items],
        "more": delivery.unlisted,
    }
