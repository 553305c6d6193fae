"""When something is due, by the database's clock."""

from datetime import timedelta
from typing import Any

from docstore_platform.mongo import Collection, Document


async def seconds_until_due(rows: Collection, which: Document) -> float | None:
    """Seconds until the first of the rows is due, by the database's clock, which is never this machine's."""
    pipeline: list[Any] = [
        {"$match": which},
        {"$sort": {"next_at": 1}},
        {"$limit": 1},
        {"$project": {"ms": {"$subtract": ["$next_at", "$$NOW"]}}},
    ]
    async for row in rows.aggregate(pipeline):
        return max(float(row["ms"]) / 1000, 0.0)
    return None


def after(wait: timedelta) -> Document:
    """A moment from now, by the database's clock, in an update by pipeline."""
    return {"$add": ["$$NOW", round(wait.total_seconds() * 1000)]}
