"""HTTP routes of the audit log, for administrators."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from docstore_analytics.audit.repository import AuditQuery, AuditRepository
from docstore_analytics.audit.rules import Chained
from docstore_analytics.audit.schemas import AuditCheck, AuditPage
from docstore_analytics.audit.service import AuditVerifier
from docstore_analytics.parameters import Limit
from docstore_platform.clock import rfc3339
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.http.values import Cursor, Moment
from docstore_platform.security.tokens import administrator
from docstore_platform.service.app import json_response

VERIFIED_AT_ONCE = 10_000

Text = Annotated[str, Query(max_length=200)]


def audit_router(entries: AuditRepository, verifier: AuditVerifier) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["operators"], dependencies=[Depends(administrator)])

    @router.get("/admin/audit", response_model=AuditPage)
    async def search_audit_log(
        account_id: Text = "",
        object_id: Text = "",
        action: Text = "",
        begin: Annotated[Moment | None, Query(alias="from", description="Included.")] = None,
        to: Annotated[Moment | None, Query(description="Not included.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response:
        """List calls that changed or read content, and changes, latest first. `action` is exact: `file-moved`."""
        before = None
        if cursor is not None:
            at, number = decode_cursor(cursor, int, int)
            before = datetime.fromtimestamp(at / 1000, UTC), number
        query = AuditQuery(account_id, object_id, action, begin, to, before)
        found = await entries.find_entries(query, limit + 1)
        items, more = found[:limit], len(found) > limit
        last = items[-1] if more else None
        next_cursor = encode_cursor(round(last.entry.at.timestamp() * 1000), last.number) if last else None
        return json_response({"items": [entry_json(each) for each in items], "next_cursor": next_cursor})

    @router.get("/admin/audit/verify", response_model=AuditCheck)
    async def verify_audit_log(
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=VERIFIED_AT_ONCE)] = VERIFIED_AT_ONCE,
    ) -> Response:
        """Verify the chain of the audit log, `limit` entries at a time; `next_after` is null at the end.

        `broken` is the first entry that was changed, removed, added or reordered, or the place where the log was cut
        off; `last` is the last valid entry. The log is also compared with its copies in the object store;
        `not_compared` is the reason if that was impossible.
        """
        verified = await verifier.verify(after, limit)
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

    return router


def entry_json(chained: Chained) -> dict[str, Any]:
    """Return an entry for administrators; fields that were tampered with are shown as they are."""
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
