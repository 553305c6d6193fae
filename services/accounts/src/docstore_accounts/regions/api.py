"""Routes for the other regions, `/internal/replication`: the only internal ones that a gateway lets in, signed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError

from docstore_accounts.regions.client import ACCOUNTS_PATH, CLAIMS_PATH, RESETS_PATH, SIGN_UPS_PATH, Signatures
from docstore_accounts.regions.rules import Entry
from docstore_accounts.regions.schemas import Claim, ForgottenPassword, ReplicatedAccounts, SignUp
from docstore_accounts.regions.service import CrossRegionClaims
from docstore_accounts.regions.worker import Replication
from docstore_platform.problems import Problem, invalid
from docstore_platform.web import json_response

MAX_BODY_BYTES = 1 << 20
"""More than a thousand accounts take; hashed before the sender is known."""

ReceiveReset = Callable[[str, str], Awaitable[None]]
"""Takes the id of a request and of the account whose password was forgotten."""

B = TypeVar("B", bound=BaseModel)


def regions_router(
    signatures: Signatures, claims: CrossRegionClaims, replication: Replication, receive_reset: ReceiveReset
) -> APIRouter:
    router = APIRouter()

    async def signed(request: Request, kind: type[B]) -> tuple[str, B]:
        """The sending region and the body, which is parsed only after its signature has been checked."""
        if int(request.headers.get("content-length", 0)) > MAX_BODY_BYTES:
            raise Problem(413, "too_large", f"A call of another region has at most {MAX_BODY_BYTES} bytes.")
        body = await request.body()
        sender = signatures.sender(request.url.path, request.headers, body)
        try:
            return sender, kind.model_validate_json(body)
        except ValidationError as error:
            raise invalid(str(error.errors(include_url=False, include_input=False))[:500]) from None

    @router.post(ACCOUNTS_PATH)
    async def receive_accounts(request: Request) -> Response:
        """Another region sends the state of its own accounts, and learns whether it knows all of those here."""
        sender, sent = await signed(request, ReplicatedAccounts)
        if any(account.home_region != sender for account in sent.accounts):
            raise invalid("A region speaks of its own accounts only.")
        await replication.receive([Entry(**account.model_dump()) for account in sent.accounts])
        return json_response({"heard": len(sent.accounts), "introduced": await replication.has_introduced(sender)})

    @router.post(CLAIMS_PATH)
    async def claim(request: Request) -> Response:
        """Another region asks this one, the e-mail's arbiter, whether one of its sign-ups may have the e-mail."""
        sender, asked = await signed(request, Claim)
        return json_response({"granted": await claims.grant(asked.email_hash, asked.account_id, sender)})

    @router.post(SIGN_UPS_PATH)
    async def settle(request: Request) -> Response:
        """An arbiter asks for the state of a sign-up here."""
        _, asked = await signed(request, SignUp)
        return json_response({"state": await claims.settle(asked.account_id)})

    @router.post(RESETS_PATH)
    async def forgotten_password(request: Request) -> Response:
        """Another region forwards a forgotten password of an account whose home is here."""
        _, asked = await signed(request, ForgottenPassword)
        await receive_reset(asked.request_id, asked.account_id)
        return json_response({"heard": True})

    return router
