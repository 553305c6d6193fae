"""HTTP: reports, the audit log and the archive, all for administrators."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from docstore_analytics import answers
from docstore_analytics.archive_store import ArchiveStore
from docstore_analytics.audit_chain import Chained
from docstore_analytics.audit_log import AuditLog
from docstore_analytics.domain import Step
from docstore_analytics.reports import FROM_ARCHIVE, NAMES, SERIES, Period, Reports
from docstore_analytics.storage import AuditQuery, MongoStore
from docstore_contents.s3.presigned import Presigner
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import Problem, not_found
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.values import Cursor, Moment
from docstore_platform.web import json_response

DEFAULT_DAYS = 30
URL_SECONDS = 600
VERIFIED_AT_ONCE = 10_000

From = Annotated[Moment | None, Query(alias="from", description="Included; the default is 30 days before `to`.")]
To = Annotated[Moment | None, Query(description="Not included; the default is now.")]
Limit = Annotated[int, Query(ge=1, le=500)]
Text = Annotated[str, Query(max_length=200)]


async def _admin(principal: Annotated[Principal, Depends(current_principal)]) -> Principal:
    if not principal.is_admin:
        raise Problem(403, "forbidden", "This is for administrators.")
    return principal


def public_router(
    reports: Reports,
    audit: AuditLog,
    store: MongoStore,
    archive: ArchiveStore,
    presigner: Presigner,
    *,
    clock: Clock = utc_now,
) -> APIRouter:
    router = APIRouter(tags=["operators"], dependencies=[Depends(_admin)])

    def period(begin: datetime | None, end: datetime | None, step: Step) -> Period:
        end = (end or clock()).astimezone(UTC)
        return Period((begin or end - timedelta(days=DEFAULT_DAYS)).astimezone(UTC), end, step)

    @router.get("/admin/reports/{name}", response_model=answers.Report)
    async def report(name: str, begin: From = None, to: To = None, step: Step = "day", limit: Limit = 20) -> Response:
        """A report. Over time: `times` and a line of `values` in each of `series`. Lists: `items`, up to `limit`.

        Over time: accounts, documents, storage, average-size, uploads, uploaded-bytes, failed-uploads, downloads,
        shares, link-opens, sign-ups, log-ins, calls, notifications. Lists: most-shared, most-downloaded, and out of the
        archive: usage (by account), access (by file).
        """
        if name not in NAMES:
            raise not_found("report")
        if name in SERIES:
            return json_response(await reports.series(name, period(begin, to, step)))
        if name in FROM_ARCHIVE:
            return json_response(await reports.from_archive(name, period(begin, to, step), limit))
        return json_response(await reports.top(name, limit))

    @router.get("/admin/audit", response_model=answers.AuditPage)
    async def search_audit_log(
        account_id: Text = "",
        object_id: Text = "",
        action: Text = "",
        begin: Annotated[Moment | None, Query(alias="from", description="Included.")] = None,
        to: Annotated[Moment | None, Query(description="Not included.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """Calls that changed or read content, and changes; the latest first. `action` is exact: `file-moved`."""
        before = None
        if cursor is not None:
            at, number = decode_cursor(cursor, int, int)
            before = datetime.fromtimestamp(at / 1000, UTC), number
        query = AuditQuery(account_id, object_id, action, begin, to, before)
        found = await store.find_entries(query, limit + 1)
        items, more = found[:limit], len(found) > limit
        last = items[-1] if more else None
        next_cursor = encode_cursor(round(last.entry.at.timestamp() * 1000), last.number) if last else None
        return json_response({"items": [entry_json(each) for each in items], "next_cursor": next_cursor})

    @router.get("/admin/audit/verify", response_model=answers.AuditCheck)
    async def verify_audit_log(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=VERIFIED_AT_ONCE)] = VERIFIED_AT_ONCE,
    ) -> Response:
        """Check the chain of the audit log, as many entries at once; `next_after` is null once the end is reached.

        `broken` is the first entry that was changed, removed, added or reordered, or where the log was cut off; `last`
        is the last that is as it was written. The log is also compared with what of it is in the object store, which
        `not_compared` says if it could not be.
        """
        verified = await audit.verify(after, limit)
        broken, anchor = verified.broken, verified.anchor
        return json_response(
            {
                "checked": verified.checked,
                "next_after": verified.after,
                "broken": broken and {"number": broken.number, "reason": broken.reason, "detail": broken.detail},
                "last": {"number": verified.number, "signature": verified.signature},
                "head": {"number": verified.head.number, "signature": verified.head.signature},
                "anchor": anchor and {"number": anchor.number, "signature": anchor.signature},
                "not_compared": verified.not_compared or None,
            }
        )

    @router.get("/admin/archive", response_model=answers.ArchivePage)
    async def list_archive(begin: From = None, to: To = None, limit: Limit = 100, cursor: Cursor = None) -> Response:
        """The Parquet files of some days, each with a URL that is good for ten minutes, for any SQL engine."""
        days = period(begin, to, "day")
        after: tuple[str, str] = ("", "")
        if cursor is not None:
            day, id_ = decode_cursor(cursor, str, str)
            after = day, id_
        found = await archive.page(f"{days.begin:%Y-%m-%d}", f"{days.end:%Y-%m-%d}", after, limit + 1)
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


def entry_json(chained: Chained) -> dict[str, Any]:
    """An entry as administrators see it; a field that somebody has put something else into is shown as it is."""
    entry = chained.entry
    return {
        "number": chained.number,
        "at": rfc3339(entry.at),
        "kind": entry.kind,
        "action": entry.action,
        "account_id": entry.actor_id or None,
        "object_id": entry.object_id or None,
        "status": entry.status or None,
        "client": entry.client or None,
        "session_id": entry.session_id or None,
        "source_id": entry.source_id,
        "detail": entry.detail,
        "signature": chained.signature,
    }
