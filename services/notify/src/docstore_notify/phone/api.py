"""HTTP routes of the phone for critical news: `/v1/notifications/phone`."""

from typing import Any

from fastapi import APIRouter, Response

from docstore_notify.phone import schemas
from docstore_notify.phone.rules import Phone
from docstore_notify.phone.schemas import EnterPhone, VerifyPhone
from docstore_notify.phone.service import PhoneService
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import Caller
from docstore_platform.service.app import json_response


def phone_view(phone: Phone | None) -> dict[str, Any]:
    return {"phone_number": phone.number if phone else None, "verified": phone is not None and phone.verified}


def phone_router(phones: PhoneService) -> APIRouter:
    router = APIRouter(prefix=f"{PUBLIC_PREFIX}/notifications/phone", tags=["notifications"])

    @router.get("", response_model=schemas.PhoneAndChannel)
    async def get_phone(caller: Caller) -> Response:
        """Get the phone that receives critical news of the account by text message."""
        known = await phones.find(caller.account_id)
        return json_response({**phone_view(known), "unavailable": await phones.unavailable() or None})

    @router.put("", response_model=schemas.Phone)
    async def set_phone(body: EnterPhone, caller: Caller) -> Response:
        """Enter a phone number in place of the former one, and send it a code, valid for 10 minutes.

        409 `channel_unavailable` if no text messages can be sent here, 422 `invalid_phone_number` if none can be sent
        to this number, 429 `too_many_texts` after the daily limits: 10 codes for an account, 5 for a number.
        """
        return json_response(phone_view(await phones.enter(caller.account_id, body.phone_number)))

    @router.post("/verification", response_model=schemas.Phone)
    async def verify_phone(body: VerifyPhone, caller: Caller) -> Response:
        """Verify the number by the code, which can be tried five times.

        404 `phone_verification_not_found` if there is none or it has expired, 422 `wrong_code`.
        """
        return json_response(phone_view(await phones.verify(caller.account_id, body.code)))

    @router.delete("", status_code=204)
    async def delete_phone(caller: Caller) -> None:
        """Remove the number, also if there is none: text messages end."""
        await phones.remove(caller.account_id)

    return router
