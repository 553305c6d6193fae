"""HTTP routes of password resets: `/v1/password-resets`, and an administrator's."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.parameters import NO_STORE, Address, PathId
from docstore_accounts.resets.schemas import ConfirmedReset, Forgotten, PasswordReset, ResetAccepted
from docstore_accounts.resets.service import ResetService
from docstore_platform.clock import rfc3339
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def resets_router(resets: ResetService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX)

    @router.post("/password-resets", status_code=202, response_model=ResetAccepted, tags=["accounts"])
    async def request_password_reset(body: Forgotten) -> Response:
        """Mail a link that resets the password once, within an hour.

        202 whether or not an account in any region has the address.
        """
        await resets.request(body.email)
        return json_response({"accepted": True}, 202)

    @router.post("/password-resets/confirm", status_code=204, tags=["accounts"])
    async def confirm_password_reset(body: ConfirmedReset, address: Address) -> None:
        """Reset the password by a link, and log every device out. 404 `reset_not_found`, 422 `weak_password`.

        If the account's address was not verified, its shares, links, webhooks and phone end as well: another person may
        have signed up with the address.
        """
        await resets.confirm(body.token, body.password, address)

    @router.post(
        "/admin/accounts/{account_id}/password-resets", status_code=201, response_model=PasswordReset, tags=["admin"]
    )
    async def create_password_reset(account_id: PathId, caller: Caller) -> Response:
        """Create a reset link to pass on, shown once: `{url, token, expires_at}`. The link is not mailed."""
        made = await resets.make(caller, account_id)
        shown = {"url": made.url, "token": made.token, "expires_at": rfc3339(made.expires_at)}
        return json_response(shown, 201, NO_STORE)

    return router
