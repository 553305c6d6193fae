"""Parameters that routes of several features share, and the check for administrators."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from docstore_platform.errors import Forbidden
from docstore_platform.http.values import Moment
from docstore_platform.security.tokens import Principal, current_principal

DEFAULT_DAYS = 30

From = Annotated[Moment | None, Query(alias="from", description="Inclusive; default: 30 days before `to`.")]
To = Annotated[Moment | None, Query(description="Exclusive; default: now.")]
Limit = Annotated[int, Query(ge=1, le=500)]


async def administrator(principal: Annotated[Principal, Depends(current_principal)]) -> Principal:
    """403 unless the caller is an administrator."""
    if not principal.is_admin:
        raise Forbidden("Only administrators can do this.")
    return principal


def period_of(begin: datetime | None, end: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return begin and end in UTC, with the defaults."""
    end = (end or now).astimezone(UTC)
    return (begin or end - timedelta(days=DEFAULT_DAYS)).astimezone(UTC), end
