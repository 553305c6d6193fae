"""HTTP route of an account's own storage."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response

from docstore_analytics.reports.repository import FigureRepository
from docstore_analytics.reports.rules import start_of
from docstore_analytics.storage.repository import StorageRepository
from docstore_analytics.storage.rules import daily, last_days
from docstore_analytics.storage.schemas import StorageReport
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response

SHARED_FILES = 50


def storage_router(storage: StorageRepository, figures: FigureRepository, *, clock: Clock = utc_now) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["accounts"])

    @router.get("/me/storage", response_model=StorageReport)
    async def get_storage(caller: Caller, days: Annotated[int, Query(ge=1, le=730)] = 90) -> Response:
        """Get what you store by day, and what you share and how often it is opened. Figures appear moments later."""
        times = last_days(start_of("day", clock()), days)
        levels = daily(await storage.levels(caller.account_id, times[0]), times)
        shared = [asdict(file) for file in await figures.shared_files(caller.account_id, SHARED_FILES)]
        for file in shared:
            del file["owner_id"]
        return json_response(
            {
                "times": [rfc3339(time) for time in times],
                "bytes": [level.bytes for level in levels],
                "documents": [level.documents for level in levels],
                "shared": shared,
            }
        )

    return router
