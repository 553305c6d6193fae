"""HTTP routes of invitations: `/v1/admin/invitations`, and who may sign up."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.account.service import AccountService
from docstore_accounts.invitations.schemas import Invitation, NewInvitation, SignUpRules
from docstore_accounts.invitations.service import InvitationService
from docstore_accounts.parameters import NO_STORE
from docstore_platform.clock import rfc3339
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def invitations_router(invitations: InvitationService, accounts: AccountService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX)

    @router.get("/accounts/sign-up", response_model=SignUpRules, tags=["accounts"])
    async def get_sign_up_rules() -> Response:
        """Get who may sign up; needs no login."""
        return json_response({"sign_up": invitations.sign_up_mode})

    @router.post("/admin/invitations", status_code=201, response_model=Invitation, tags=["admin"])
    async def create_invitation(body: NewInvitation, caller: Caller) -> Response:
        """Mail a person a link to sign up within 30 days; the response contains it, too.

        409 `sign_up_closed`; 429 `too_many_invitations`, by the same administrator or to the same address in a day.
        """
        await accounts.require_admin(caller)
        made = await invitations.invite(caller, body.email)
        shown = {"email": made.email, "url": made.url, "expires_at": rfc3339(made.expires_at)}
        return json_response(shown, 201, NO_STORE)

    return router
