"""HTTP: reservations and usage for DocStore's services, the overview for administrators."""

from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from docstore_platform.clock import rfc3339
from docstore_platform.problems import Problem
from docstore_platform.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.service_identity import callers
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response
from docstore_quota.reconciler import Reconciler
from docstore_quota.rules import Account, Plan, TooManyUploads, Totals
from docstore_quota.schemas import Overview, PlanTotals
from docstore_quota.service import QuotaService

UploadId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
AccountId = Annotated[str, Field(min_length=1, max_length=64)]
MAX_ITEMS = 1000
MAX_SIZE = 2**53


class Item(BaseModel):
    upload_id: UploadId
    size: int = Field(ge=0, le=MAX_SIZE)


class Reservations(BaseModel):
    account_id: AccountId
    items: list[Item] = Field(min_length=1, max_length=MAX_ITEMS)
    expires_at: AwareDatetime


class Release(BaseModel):
    account_id: AccountId
    upload_ids: list[UploadId] = Field(max_length=MAX_ITEMS)


def usage_view(account: Account) -> dict[str, Any]:
    return {
        "used": account.used,
        "reserved": account.reserved,
        "limit": account.limit,
        "over_quota": account.over_quota,
        "documents": account.documents,
    }


def overview_of(totals: dict[Plan, Totals]) -> Overview:
    everything = sum(totals.values(), Totals())
    return Overview(
        accounts=everything.accounts,
        documents=everything.documents,
        bytes=everything.bytes,
        average_document_bytes=everything.bytes // everything.documents if everything.documents else 0,
        by_plan={
            plan: PlanTotals(accounts=kept.accounts, documents=kept.documents, bytes=kept.bytes)
            for plan, kept in totals.items()
        },
    )


def internal_router(service: QuotaService, reconciler: Reconciler) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["quota"])

    @router.post("/reservations", dependencies=[callers("metadata", "upload")])
    async def reserve(body: Reservations) -> Response:
        sizes = {item.upload_id: item.size for item in body.items}
        expires_at = body.expires_at.astimezone(UTC)
        try:
            reserved = await service.reserve(body.account_id, sizes, expires_at)
        except TooManyUploads:
            raise Problem(
                429,
                "too_many_uploads",
                "Too many uploads are open; finish or abort some.",
                headers={"Retry-After": "60"},
            ) from None
        results = [
            {"upload_id": upload_id, "accepted": upload_id in reserved.accepted}
            for upload_id in (item.upload_id for item in body.items)
        ]
        return json_response({"results": results, "usage": usage_view(reserved.account)})

    @router.post("/reservations/release", dependencies=[callers("metadata", "upload")])
    async def release(body: Release) -> Response:
        account = await service.release(body.account_id, body.upload_ids)
        return json_response({"usage": usage_view(account)})

    @router.get("/accounts/{account_id}/usage", dependencies=[callers("accounts", "upload")])
    async def usage(account_id: str) -> Response:
        return json_response(usage_view(await service.usage(account_id)))

    @router.post("/accounts/{account_id}/reconcile", dependencies=[callers("operator")])
    async def reconcile(account_id: str) -> dict[str, Any]:
        """Compare one account now; its drift is null if there is none or something is under way."""
        drift = await reconciler.compare(account_id)
        return {"drift": {"bytes": drift.bytes, "documents": drift.documents} if drift else None}

    @router.get("/totals", dependencies=[callers("operator")])
    async def totals() -> Overview:
        return overview_of(await service.totals())

    @router.get("/drift", dependencies=[callers("operator")])
    async def drift(after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
        found = await reconciler.drifts(after, limit)
        items = [
            {
                "account_id": drift.account_id,
                "bytes": drift.bytes,
                "documents": drift.documents,
                "seen_at": rfc3339(drift.seen_at),
                "confirmed": drift.confirmed,
            }
            for drift in found
        ]
        return json_response({"items": items, "next_after": found[-1].account_id if len(found) == limit else None})

    return router


def public_router(service: QuotaService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["operators"])

    @router.get("/admin/overview")
    async def overview(principal: Annotated[Principal, Depends(current_principal)]) -> Overview:
        """System-wide totals, for administrators."""
        if not principal.is_admin:
            raise Problem(403, "forbidden", "This is for administrators.")
        return overview_of(await service.totals())

    return router
