"""What the MongoDB repositories of uploads, packs and blocks share."""

from datetime import datetime

from docstore_platform.ids import new_id
from docstore_platform.mongo import (
    ASCENDING,
    Collection,
    Document,
)
from docstore_upload.lifecycle.rules import Refusal


def refusal_document(refusal: Refusal) -> Document:
    return {"status": refusal.status, "code": refusal.code, "detail": refusal.detail}


async def take_due(collection: Collection, now: datetime, limit: int, lease_until: datetime) -> list[Document]:
    """Up to `limit` documents whose `next_check_at` has come, for this caller alone until `lease_until`."""
    due: Document = {"next_check_at": {"$lte": now}}
    rows = await collection.find(due, {"_id": 1}).sort("next_check_at", ASCENDING).limit(limit).to_list(limit)
    if not rows:
        return []
    lease, chosen = new_id(), {"_id": {"$in": [row["_id"] for row in rows]}}
    await collection.update_many(chosen | due, {"$set": {"next_check_at": lease_until, "lease": lease}})
    return list(await collection.find(chosen | {"lease": lease}).to_list(None))
