"""Internal API of quota."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field
from typing_extensions import TypedDict

from docstore_contracts.accounts import Plan
from docstore_contracts.caller import MAX_ITEMS, Client, Id, Timestamp

UploadId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class ReservationItem(TypedDict):
    upload_id: UploadId
    size: Annotated[int, Field(ge=0, le=2**53)]
    """In bytes."""


class ReservationRequest(TypedDict):
    account_id: Id
    items: Annotated[list[ReservationItem], Field(min_length=1, max_length=MAX_ITEMS)]
    expires_at: AwareDatetime


class Usage(TypedDict):
    """Bytes and documents of an account."""

    used: int
    reserved: int
    limit: int
    over_quota: bool
    documents: int


class ReservationResult(TypedDict):
    upload_id: str
    accepted: bool


class ReservationResults(TypedDict):
    results: list[ReservationResult]
    usage: Usage


class ReleaseRequest(TypedDict):
    account_id: Id
    upload_ids: Annotated[list[UploadId], Field(max_length=MAX_ITEMS)]


class ReleaseResult(TypedDict):
    usage: Usage


class DriftAmount(TypedDict):
    """Difference between counted and stored usage."""

    bytes: int
    documents: int


class Reconciled(TypedDict):
    drift: DriftAmount | None


class AccountDrift(DriftAmount):
    account_id: str
    seen_at: Timestamp
    confirmed: bool


class DriftPage(TypedDict):
    items: list[AccountDrift]
    next_after: str | None


class PlanTotals(TypedDict):
    accounts: int
    documents: int
    bytes: int


class Totals(PlanTotals):
    """The whole system."""

    average_document_bytes: int
    by_plan: dict[Plan, PlanTotals]


class QuotaClient(Client):
    async def reserve(
        self, account_id: str, items: Sequence[ReservationItem], expires_at: datetime
    ) -> tuple[set[str], Usage]:
        """Reserve storage for uploads in order, as far as it suffices; return the accepted ids and the usage."""
        body: ReservationRequest = {"account_id": account_id, "items": list(items), "expires_at": expires_at}
        response: ReservationResults = await self._call("POST", "/internal/reservations", body)
        return {result["upload_id"] for result in response["results"] if result["accepted"]}, response["usage"]

    async def release_reservations(self, account_id: str, upload_ids: Sequence[str]) -> None:
        """Release reservations; unknown ids are ignored."""
        body: ReleaseRequest = {"account_id": account_id, "upload_ids": list(upload_ids)}
        await self._call("POST", "/internal/reservations/release", body)

    async def account_usage(self, account_id: str) -> Usage:
        usage: Usage = await self._call("GET", f"/internal/accounts/{account_id}/usage")
        return usage

    async def reconcile_account(self, account_id: str) -> DriftAmount | None:
        """Compare one account now; None if there is no drift, or something is under way."""
        response: Reconciled = await self._call("POST", f"/internal/accounts/{account_id}/reconcile")
        return response["drift"]

    async def totals(self) -> Totals:
        totals: Totals = await self._call("GET", "/internal/totals")
        return totals

    async def drifts(self, after: str, limit: int) -> DriftPage:
        """By account id."""
        page: DriftPage = await self._call("GET", f"/internal/drift?after={after}&limit={limit}")
        return page
