"""HTTP routes of verifying an e-mail address: `/v1/accounts/verify` and `/v1/me/email-verification`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from docstore_accounts.domain import Account
from docstore_accounts.verification.schemas import EmailVerification, VerifyEmail, VerifyOwnEmail
from docstore_accounts.verification.service import VerificationService
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.web import json_response

router = APIRouter(tags=["accounts"])


def _service(request: Request) -> VerificationService:
    service: VerificationService = request.app.state.verification
    return service


Verifications = Annotated[VerificationService, Depends(_service)]
Caller = Annotated[Principal, Depends(current_principal)]


@router.post("/accounts/verify", response_model=EmailVerification)
async def verify_email(body: VerifyEmail, verifications: Verifications) -> Response:
    """Verify an account's e-mail address by the mailed link; no login. 404 `verification_not_found`.

    What was shared with the address is granted then, and not before.
    """
    return _answer(await verifications.verify(body.token))


@router.post("/me/email-verification", status_code=202, response_model=EmailVerification)
async def send_verification(verifications: Verifications, caller: Caller) -> Response:
    """Mail the caller another link and code, unless the address is verified. 429 `too_many_verification_mails`."""
    return _answer(await verifications.send_again(caller), 202)


@router.put("/me/email-verification", response_model=EmailVerification)
async def verify_own_email(body: VerifyOwnEmail, verifications: Verifications, caller: Caller) -> Response:
    """Verify the caller's own address by the mailed link or code. 404 `verification_not_found`, 422 `wrong_code`.

    A page that a mailed link leads to uses this: somebody who is mailed a link for an account that a stranger made
    with their address can't log in to it, and so can't verify it by mistake.
    """
    return _answer(await verifications.verify_own(caller, token=body.token, code=body.code))


def _answer(account: Account, status: int = 200) -> Response:
    return json_response({"email": account.email, "email_verified": account.email_verified}, status)
