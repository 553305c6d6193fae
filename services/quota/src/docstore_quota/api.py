"""HTTP routes: reservations and usage for other services, the overview for administrators."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from docstore_contracts import quota as contract
from docstore_contracts.quota import (
    AccountDrift,
    DriftPage,
    Reconciled,
    ReleaseRequest,
    ReleaseResult,
    ReservationRequest,
    ReservationResult,
    ReservationResults,
    Usage,
)
from docstore_platform.clock import rfc3339
from docstore_platform.errors import TooMany
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.security.service_identity import callers
from docstore_platform.security.tokens import administrator
from docstore_platform.service.app import json_response
from docstore_quota.consistency.service import Reconciler
from docstore_quota.rules import Account, Plan, TooManyUploads, Totals
from docstore_quota.schemas import Overview, PlanTotals
from docstore_quota.service import QuotaService


def usage_view(account: Account) -> Usage:
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


def reservations_router(service: QuotaService) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["quota"])
    reserving = [callers("metadata", "upload")]

    @router.post("/reservations", dependencies=reserving, response_model=described(ReservationResults))
    async def reserve(body: ReservationRequest) -> Response:
        """Reserve storage for uploads, in order, as far as it suffices."""
        sizes = {item["upload_id"]: item["size"] for item in body["items"]}
        expires_at = body["expires_at"].astimezone(UTC)
        try:
            reserved = await service.reserve(body["account_id"], sizes, expires_at)
        except TooManyUploads:
            raise TooMany(
                "Too many uploads are open. Complete or cancel some.", code="too_many_uploads", retry_after=60
            ) from None
        results: list[ReservationResult] = [
            {"upload_id": upload_id, "accepted": upload_id in reserved.accepted}
            for upload_id in (item["upload_id"] for item in body["items"])
        ]
        return json_response(ReservationResults(results=results, usage=usage_view(reserved.account)))

    @router.post("/reservations/release", dependencies=reserving, response_model=described(ReleaseResult))
    async def release(body: ReleaseRequest) -> Response:
        """Release reservations."""
        account = await service.release(body["account_id"], body["upload_ids"])
        return json_response(ReleaseResult(usage=usage_view(account)))

    return router


def usage_router(service: QuotaService, reconciler: Reconciler) -> APIRouter:
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["quota"])

    @router.get(
        "/accounts/{account_id}/usage", dependencies=[callers("accounts", "upload")], response_model=described(Usage)
    )
    async def usage(account_id: str) -> Response:
        """Get the usage of an account."""
        return json_response(usage_view(await service.usage(account_id)))

    @router.post(
        "/accounts/{account_id}/reconcile", dependencies=[callers("operator")], response_model=described(Reconciled)
    )
    async def reconcile(account_id: str) -> Response:
        """Compare one account now; its drift is null if there is none or something is under way."""
        drift = await reconciler.compare(account_id)
        return json_response(Reconciled(drift={"bytes": drift.bytes, "documents": drift.documents} if drift else None))

    @router.get("/totals", dependencies=[callers("operator")], response_model=described(contract.Totals))
    async def totals() -> Response:
        """Get the totals of all accounts."""
        return json_response(overview_of(await service.totals()).model_dump())

    @router.get("/drift", dependencies=[callers("operator")], response_model=described(DriftPage))
    async def drift(after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
        """List accounts whose count differs from what metadata stores."""
        found = await reconciler.drifts(after, limit)
        items: list[AccountDrift] = [
            {
                "account_id": drift.account_id,
                "bytes": drift.bytes,
                "documents": drift.documents,
                "seen_at": rfc3339(drift.seen_at),
                "confirmed": drift.confirmed,
            }
            for drift in found
        ]
        return json_response(DriftPage(items=items, next_after=found[-1].account_id if len(found) == limit else None))

    return router


def public_router(service: QuotaService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["operators"])

    @router.get("/admin/overview", dependencies=[Depends(administrator)])
    async def get_overview() -> Overview:
        """Get system-wide totals, for administrators."""
        return overview_of(await service.totals())

    return router
