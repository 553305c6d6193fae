"""Routes of photos by date."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from docstore_metadata.dependencies import Limit, public_router
from docstore_metadata.paging import DEFAULT_LIMIT
from docstore_metadata.photos import schemas
from docstore_metadata.photos.query import PhotoQuery, parse_position
from docstore_metadata.photos.service import PhotoService
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.views.presentation import Json, place_json
from docstore_platform.http.values import Cursor, DayOrMoment
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def photos_router(photos: PhotoService) -> APIRouter:
    router = public_router("files")

    @router.get("/photos", response_model=schemas.PhotoPage)
    async def list_photos(
        principal: Caller,
        taken_after: Annotated[DayOrMoment | None, Query(description="only those taken then or later")] = None,
        taken_before: Annotated[DayOrMoment | None, Query(description="only those taken earlier")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """List your own photos and videos by the date they were taken, the latest first, wherever they are stored.

        One appears when it has its preview, a moment after its upload.
        """
        position = parse_position(cursor) if cursor else None
        page = await photos.page(PhotoQuery(principal.account_id, limit, taken_after, taken_before, position))
        items = [photo_json(place, principal.account_id) for place in page.places]
        return json_response({"items": items, "next_cursor": page.next_cursor})

    @router.get("/photos/months", response_model=schemas.PhotoMonths)
    async def list_photo_months(principal: Caller) -> Response:
        """Count your photos and videos by the month they were taken in."""
        months = await photos.months(principal.account_id)
        items = [{"month": month, "count": count} for month, count in months]
        return json_response({"items": items, "next_cursor": None})

    return router


def photo_json(place: Place, account_id: str) -> Json:
    taken = place.node.photo_at
    assert taken is not None
    return {**place_json(place, account_id), "taken_at": taken.replace(tzinfo=None).isoformat(timespec="seconds")}
