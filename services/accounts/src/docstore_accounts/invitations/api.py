"""HTTP routes of invitations: `/v1/admin/invitations`, and who may sign up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from docstore_accounts.invitations import schemas
from docstore_accounts.invitations.service import InvitationService
from docstore_accounts.service import AccountService
from docstore_platform.clock import rfc3339
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response

router = APIRouter()


def _service(request: Request) -> InvitationService:
    service: InvitationService = request.app.state.invitations
    return service


def _accounts(request: Request) -> AccountService:
    service: AccountService = request.app.state.accounts
    return service


Invitations = Annotated[InvitationService, Depends(_service)]
Accounts = Annotated[AccountService, Depends(_accounts)]
Caller = Annotated[Principal, Depends(current_principal)]


@router.get("/accounts/sign-up", response_model=schemas.SignUpRules, tags=["accounts"])
async def sign_up_rules(invitations: Invitations) -> Response:
    """Who may make an account here; no login."""
    return json_response({"sign_up": invitations.sign_up_mode})


@router.post("/admin/invitations", status_code=201, response_model=schemas.Invitation, tags=["admin"])
async def invite(body: schemas.NewInvitation, invitations: Invitations, accounts: Accounts, caller: Caller) -> Response:
    """Mail somebody a link by which they sign up within 30 days; it is answered, too.

    409 `sign_up_closed`; 429 `too_many_invitations`, by the same administrator or to the same address in a day.
    """
    await accounts.require_admin(caller)
    made = await invitations.invite(caller, body.email)
    shown = {"email": made.email, "url": made.url, "expires_at": rfc3339(made.expires_at)}
    return json_response(shown, 201, {"Cache-Control": "no-store"})
