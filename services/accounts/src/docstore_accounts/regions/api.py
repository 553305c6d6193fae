"""The public list of regions, and routes for other regions.

Those, `/internal/replication`, are signed, and the only internal ones that a gateway forwards.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from docstore_accounts.regions.client import Signatures
from docstore_accounts.regions.monitor import RegionMonitor
from docstore_accounts.regions.rules import Entry
from docstore_accounts.regions.schemas import RegionPage, region_json
from docstore_accounts.regions.service import CrossRegionClaims
from docstore_accounts.regions.worker import Replication
from docstore_contracts.replication import (
    Claim,
    ClaimResult,
    ForgottenPassword,
    Received,
    ReplicatedAccounts,
    ResetReceived,
    SignUp,
    SignUpResult,
)
from docstore_platform.errors import TooLarge, invalid
from docstore_platform.http.response_models import described, described_body
from docstore_platform.http.routes import INTERNAL_PREFIX, PUBLIC_PREFIX
from docstore_platform.service.app import json_response

MAX_BODY_BYTES = 1 << 20
"""More than a thousand accounts take; limits what is hashed before the sender is known."""

ReceiveReset = Callable[[str, str], Awaitable[None]]
"""Receives the id of a reset request and of its account."""

B = TypeVar("B")


def region_list_router(monitor: RegionMonitor) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX)

    @router.get("/regions", response_model=RegionPage, tags=["accounts"])
    async def list_regions() -> Response:
        """List the regions, each with its address and how the region that responds sees it; needs no login.

        Measure the round trip to each address to find the nearest.
        """
        return json_response({"items": [region_json(state) for state in monitor.states()], "next_cursor": None})

    return router


def regions_router(
    signatures: Signatures, claims: CrossRegionClaims, replication: Replication, receive_reset: ReceiveReset
) -> APIRouter:
    router = APIRouter(prefix=f"{INTERNAL_PREFIX}/replication", tags=["regions"])
    accounts_body, claim_body = TypeAdapter(ReplicatedAccounts), TypeAdapter(Claim)
    sign_up_body, reset_body = TypeAdapter(SignUp), TypeAdapter(ForgottenPassword)

    async def signed(request: Request, body_type: TypeAdapter[B]) -> tuple[str, B]:
        """Return the sending region and the body, parsed only after its signature was checked."""
        if int(request.headers.get("content-length", 0)) > MAX_BODY_BYTES:
            raise TooLarge(f"Requests of other regions can have at most {MAX_BODY_BYTES} bytes.")
        body = await request.body()
        sender = signatures.sender(request.url.path, request.headers, body)
        try:
            return sender, body_type.validate_json(body)
        except ValidationError as error:
            raise invalid(str(error.errors(include_url=False, include_input=False))[:500]) from None

    @router.post("/accounts", response_model=described(Received), openapi_extra=described_body(accounts_body))
    async def receive_accounts(request: Request) -> Response:
        """Receive the state of another region's own accounts; respond whether it has received all of this one."""
        sender, sent = await signed(request, accounts_body)
        if any(account["home_region"] != sender for account in sent["accounts"]):
            raise invalid("A region can only send its own accounts.")
        await replication.receive([Entry(**account) for account in sent["accounts"]])
        introduced = await replication.has_introduced(sender)
        return json_response(Received(heard=len(sent["accounts"]), introduced=introduced))

    @router.post("/claims", response_model=described(ClaimResult), openapi_extra=described_body(claim_body))
    async def claim(request: Request) -> Response:
        """Decide, as the e-mail's arbiter, whether a sign-up of another region may have the e-mail."""
        sender, asked = await signed(request, claim_body)
        return json_response(ClaimResult(granted=await claims.grant(asked["email_hash"], asked["account_id"], sender)))

    @router.post("/sign-ups", response_model=described(SignUpResult), openapi_extra=described_body(sign_up_body))
    async def settle(request: Request) -> Response:
        """Return the state of a sign-up of this region to an arbiter."""
        _, asked = await signed(request, sign_up_body)
        return json_response(SignUpResult(state=await claims.settle(asked["account_id"])))

    documented = described_body(reset_body)

    @router.post("/password-resets", response_model=described(ResetReceived), openapi_extra=documented)
    async def forgotten_password(request: Request) -> Response:
        """Receive a reset request that another region forwards to the account's home region."""
        _, asked = await signed(request, reset_body)
        await receive_reset(asked["request_id"], asked["account_id"])
        return json_response(ResetReceived(heard=True))

    return router
