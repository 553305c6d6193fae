"""HTTP routes of e-mail verification: `/v1/accounts/verify` and `/v1/me/email-verification`."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.account.rules import Account
from docstore_accounts.verification.schemas import EmailVerification, VerifyEmail, VerifyOwnEmail
from docstore_accounts.verification.service import VerificationService
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def verification_router(verifications: VerificationService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["accounts"])

    @router.post("/accounts/verify", response_model=EmailVerification)
    async def verify_email(body: VerifyEmail) -> Response:
        """Verify an account's address by the mailed link; needs no login. 404 `verification_not_found`.

        What was shared with the address is granted now.
        """
        return _response(await verifications.verify(body.token))

    @router.post("/me/email-verification", status_code=202, response_model=EmailVerification)
    async def send_verification_mail(caller: Caller) -> Response:
        """Mail the caller a new link and code, unless the address is verified. 429 `too_many_verification_mails`."""
        return _response(await verifications.send_again(caller), 202)

    @router.put("/me/email-verification", response_model=EmailVerification)
    async def verify_own_email(body: VerifyOwnEmail, caller: Caller) -> Response:
        """Verify the caller's address by the mailed link or code. 404 `verification_not_found`, 422 `wrong_code`.

        The page of a mailed link calls this: the owner of an address with which another person has signed up can't log
        in to that account, and so can't verify it by mistake.
        """
        return _response(await verifications.verify_own(caller, token=body.token, code=body.code))

    return router


def _response(account: Account, status: int = 200) -> Response:
    return json_response({"email": account.email, "email_verified": account.email_verified}, status)
