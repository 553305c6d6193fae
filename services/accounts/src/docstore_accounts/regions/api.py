"""Routes for the other regions, `/internal/replication`: the only internal ones that a gateway lets in, signed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from docstore_accounts.regions.client import Signatures
from docstore_accounts.regions.rules import Entry
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
from docstore_platform.answers import described, described_body
from docstore_platform.errors import TooLarge, invalid
from docstore_platform.routes import INTERNAL_PREFIX
from docstore_platform.web import json_response

MAX_BODY_BYTES = 1 << 20
"""More than a thousand accounts take; hashed before the sender is known."""

ReceiveReset = Callable[[str, str], Awaitable[None]]
"""Takes the id of a request and of the account whose password was forgotten."""

B = TypeVar("B")


def regions_router(
    signatures: Signatures, claims: CrossRegionClaims, replication: Replication, receive_reset: ReceiveReset
) -> APIRouter:
    router = APIRouter(prefix=f"{INTERNAL_PREFIX}/replication", tags=["regions"])
    accounts_body, claim_body = TypeAdapter(ReplicatedAccounts), TypeAdapter(Claim)
    sign_up_body, reset_body = TypeAdapter(SignUp), TypeAdapter(ForgottenPassword)

    async def signed(request: Request, body_type: TypeAdapter[B]) -> tuple[str, B]:
        """The sending region and the body, which is parsed only after its signature has been checked."""
        if int(request.headers.get("content-length", 0)) > MAX_BODY_BYTES:
            raise TooLarge(f"A call of another region has at most {MAX_BODY_BYTES} bytes.")
        body = await request.body()
        sender = signatures.sender(request.url.path, request.headers, body)
        try:
            return sender, body_type.validate_json(body)
        except ValidationError as error:
            raise invalid(str(error.errors(include_url=False, include_input=False))[:500]) from None

    @router.post("/accounts", response_model=described(Received), openapi_extra=described_body(accounts_body))
    async def receive_accounts(request: Request) -> Response:
        """Another region sends the state of its own accounts, and learns whether it knows all of those here."""
        sender, sent = await signed(request, accounts_body)
        if any(account["home_region"] != sender for account in sent["accounts"]):
            raise invalid("A region speaks of its own accounts only.")
        await replication.receive([Entry(**account) for account in sent["accounts"]])
        introduced = await replication.has_introduced(sender)
        received: Received = {"heard": len(sent["accounts"]), "introduced": introduced}
        return json_response(received)

    @router.post("/claims", response_model=described(ClaimResult), openapi_extra=described_body(claim_body))
    async def claim(request: Request) -> Response:
        """Another region asks this one, the e-mail's arbiter, whether one of its sign-ups may have the e-mail."""
        sender, asked = await signed(request, claim_body)
        result: ClaimResult = {"granted": await claims.grant(asked["email_hash"], asked["account_id"], sender)}
        return json_response(result)

    @router.post("/sign-ups", response_model=described(SignUpResult), openapi_extra=described_body(sign_up_body))
    async def settle(request: Request) -> Response:
        """An arbiter asks for the state of a sign-up here."""
        _, asked = await signed(request, sign_up_body)
        result: SignUpResult = {"state": await claims.settle(asked["account_id"])}
        return json_response(result)

    documented = described_body(reset_body)

    @router.post("/password-resets", response_model=described(ResetReceived), openapi_extra=documented)
    async def forgotten_password(request: Request) -> Response:
        """Another region forwards a forgotten password of an account whose home is here."""
        _, asked = await signed(request, reset_body)
        await receive_reset(asked["request_id"], asked["account_id"])
        received: ResetReceived = {"heard": True}
        return json_response(received)

    return router
