"""Parameters that routes of several features share."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query

from docstore_platform.http.values import Moment

DEFAULT_DAYS = 30

From = Annotated[Moment | None, Query(alias="from", description="Inclusive; default: 30 days before `to`.")]
To = Annotated[Moment | None, Query(description="Exclusive; default: now.")]
Limit = Annotated[int, Query(ge=1, le=500)]


def period_of(begin: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return begin and end in UTC, with the defaults."""
    end = (end or now).astimezone(UTC)
    return (begin or end - timedelta(days=DEFAULT_DAYS)).astimezone(UTC), end
