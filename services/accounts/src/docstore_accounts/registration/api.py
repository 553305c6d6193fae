"""HTTP route of sign-up: `POST /v1/accounts`."""

from fastapi import APIRouter
from fastapi.responses import Response

from docstore_accounts.account.schemas import Account, account_json
from docstore_accounts.parameters import Address
from docstore_accounts.registration.schemas import SignUp
from docstore_accounts.registration.service import RegistrationService
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.service.app import json_response


def registration_router(registration: RegistrationService) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX)

    @router.post("/accounts", status_code=201, response_model=Account, tags=["accounts"])
    async def create_account(body: SignUp, address: Address) -> Response:
        """Create an account. 409 `email_taken`; 422 `invalid_email`, `weak_password`; 503 `region_unreachable`.

        A link and a code to verify the address are mailed; an `invitation` to the address verifies it at once.
        403 `sign_up_closed`, `invitation_required`, `invitation_not_valid`.
        """
        account = await registration.sign_up(
            body.email,
            body.password,
            body.display_name,
            language=body.language,
            invitation=body.invitation,
            address=address,
        )
        return json_response(account_json(account), 201)

    return router
