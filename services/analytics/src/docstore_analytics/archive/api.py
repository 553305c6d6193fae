"""HTTP route of the archive, for administrators."""

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter, Depends, Response

from docstore_analytics.archive.repository import ArchiveRepository
from docstore_analytics.archive.schemas import ArchivePage
from docstore_analytics.parameters import From, Limit, To, period_of
from docstore_contents.s3.presigned import Presigner
from docstore_platform.clock import Clock, utc_now
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor
from docstore_platform.security.tokens import administrator
from docstore_platform.service.app import json_response

URL_SECONDS = 600


def archive_router(archives: Sequence[ArchiveRepository], presigner: Presigner, *, clock: Clock = utc_now) -> APIRouter:
    by_table = {archive.table.name: archive for archive in archives}
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["operators"], dependencies=[Depends(administrator)])

    @router.get("/admin/archive", response_model=ArchivePage)
    async def list_archive(
        begin: From = None,
        to: To = None,
        table: Literal["events", "accesses"] = "events",
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """List the Parquet files of some days for any SQL engine, each with a URL that works for ten minutes."""
        first, last = period_of(begin, to, clock())
        after: tuple[str, str] = ("", "")
        if cursor is not None:
            day, id_ = decode_cursor(cursor, str, str)
            after = day, id_
        found = await by_table[table].page(f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}", after, limit + 1)
        items = [
            {
                "id": each.id,
                "day": each.day,
                "key": each.key,
                "events": each.events,
                "bytes": each.size,
                "url": presigner.presign_get(
                    each.key,
                    filename=f"{each.day}-{each.id}.parquet",
                    content_type="application/vnd.apache.parquet",
                    expires_in=URL_SECONDS,
                ),
            }
            for each in found[:limit]
        ]
        next_cursor = encode_cursor(found[limit - 1].day, found[limit - 1].id) if len(found) > limit else None
        return json_response({"items": items, "next_cursor": next_cursor}, headers={"Cache-Control": "no-store"})

    return router
