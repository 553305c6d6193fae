"""Routes for the other regions, `/internal/replication`: the only internal ones that a gateway lets in, signed."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, ValidationError

from docstore_accounts.claims import AllRegions
from docstore_accounts.domain import Status
from docstore_accounts.peers import ACCOUNTS_PATH, CLAIMS_PATH, RESETS_PATH, SIGN_UPS_PATH, Signatures
from docstore_accounts.regions import Entry
from docstore_accounts.replication import Replication
from docstore_accounts.resets import ResetService
from docstore_platform.problems import Problem, invalid
from docstore_platform.web import json_response

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
EmailHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ToldAccount(BaseModel):
    account_id: Id
    email_hash: EmailHash
    home_region: str
    status: Status
    revision: int = Field(ge=1)


class Told(BaseModel):
    accounts: list[ToldAccount] = Field(max_length=1_000)


class Claim(BaseModel):
    email_hash: EmailHash
    account_id: Id


class SignUp(BaseModel):
    account_id: Id


class Forgotten(BaseModel):
    request_id: Id
    account_id: Id


MAX_BODY_BYTES = 1 << 20
"""More than a thousand accounts take; hashed before anybody knows who sent it."""

B = TypeVar("B", bound=BaseModel)


def peer_router(signatures: Signatures, emails: AllRegions, replication: Replication) -> APIRouter:
    router = APIRouter()

    async def signed(request: Request, kind: type[B]) -> tuple[str, B]:
        """Who sent it and what: nothing of the body is looked at before its signature is."""
        if int(request.headers.get("content-length", 0)) > MAX_BODY_BYTES:
            raise Problem(413, "too_large", f"A call of another region has at most {MAX_BODY_BYTES} bytes.")
        body = await request.body()
        sender = signatures.sender(request.url.path, request.headers, body)
        try:
            return sender, kind.model_validate_json(body)
        except ValidationError as error:
            raise invalid(str(error.errors(include_url=False, include_input=False))[:500]) from None

    @router.post(ACCOUNTS_PATH)
    async def hear_of_accounts(request: Request) -> Response:
        """A peer tells the state of accounts whose home it is, and hears whether it knows all of those here."""
        sender, told = await signed(request, Told)
        if any(account.home_region != sender for account in told.accounts):
            raise invalid("A region speaks of its own accounts only.")
        await replication.hear([Entry(**account.model_dump()) for account in told.accounts])
        return json_response({"heard": len(told.accounts), "introduced": await replication.has_introduced(sender)})

    @router.post(CLAIMS_PATH)
    async def claim(request: Request) -> Response:
        """A peer asks this region, the e-mail's arbiter, whether one of its sign-ups may have it."""
        sender, asked = await signed(request, Claim)
        return json_response({"granted": await emails.grant(asked.email_hash, asked.account_id, sender)})

    @router.post(SIGN_UPS_PATH)
    async def settle(request: Request) -> Response:
        """An arbiter asks what has become of a sign-up here."""
        _, asked = await signed(request, SignUp)
        return json_response({"state": await emails.settle(asked.account_id)})

    @router.post(RESETS_PATH)
    async def hear_of_reset(request: Request) -> Response:
        """Somebody has said there that they forgot the password of an account whose home is here."""
        _, asked = await signed(request, Forgotten)
        resets: ResetService = request.app.state.resets
        await resets.hear(asked.request_id, asked.account_id)
        return json_response({"heard": True})

    return router
