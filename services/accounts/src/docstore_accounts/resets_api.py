"""HTTP routes of passwords that were forgotten: `/v1/password-resets`, and an administrator's."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import Field

from docstore_accounts import answers
from docstore_accounts.api import NOT_KEPT, Address, Caller, KnownEmail, NewPassword, PathId
from docstore_accounts.resets import ResetService
from docstore_platform.bodies import Body
from docstore_platform.clock import rfc3339
from docstore_platform.mailed_links import MAX_TOKEN_CHARS
from docstore_platform.values import Text
from docstore_platform.web import json_response

router = APIRouter()


def _resets(request: Request) -> ResetService:
    service: ResetService = request.app.state.resets
    return service


Resets = Annotated[ResetService, Depends(_resets)]


class Forgotten(Body):
    email: KnownEmail


class ConfirmedReset(Body):
    token: Text = Field(max_length=MAX_TOKEN_CHARS, description="what stands behind the # of the link")
    password: NewPassword


@router.post("/password-resets", status_code=202, response_model=answers.ResetAccepted, tags=["accounts"])
async def ask_for_reset(body: Forgotten, resets: Resets) -> Response:
    """Have a link mailed by which the password can be set anew, within an hour and once.

    202 whether or not the address is somebody's, in whichever region.
    """
    await resets.ask(body.email)
    return json_response({"accepted": True}, 202)


@router.post("/password-resets/confirm", status_code=204, tags=["accounts"])
async def confirm_reset(body: ConfirmedReset, resets: Resets, address: Address) -> None:
    """Set the password by such a link, and log every device out. 404 `reset_not_found`, 422 `weak_password`."""
    await resets.confirm(body.token, body.password, address)


@router.post(
    "/admin/accounts/{account_id}/password-resets",
    status_code=201,
    response_model=answers.PasswordReset,
    tags=["admin"],
)
async def make_reset(account_id: PathId, resets: Resets, caller: Caller) -> Response:
    """Make such a link for somebody, shown once to be passed on: `{url, token, expires_at}`. Nothing is mailed."""
    made = await resets.make(caller, account_id)
    shown = {"url": made.url, "token": made.token, "expires_at": rfc3339(made.expires_at)}
    return json_response(shown, 201, NOT_KEPT)
