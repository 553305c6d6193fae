"""Use cases of the phone for critical news: enter its number, verify it, remove it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from docstore_notify.contacts.rules import LanguageOf
from docstore_notify.phone.repository import Phones
from docstore_notify.phone.rules import CODE_LIFE, Phone
from docstore_notify.texts import code_text
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import Conflict, DomainError, NotFound, invalid
from docstore_platform.ids import new_id
from docstore_platform.security.mailed_links import TypedCodes

SendCode = Callable[[str, str, str], Awaitable[None]]
"""Sends a text with a code for an account to a number, within the limits; raises DomainError."""


@dataclass(frozen=True, slots=True)
class PhoneService:
    phones: Phones
    codes: TypedCodes
    send_code: SendCode
    missing_rights: Callable[[], str]
    """Why no texts can be sent here, for people; empty if they can. It may block."""
    language_of: LanguageOf
    clock: Clock = utc_now
    ids: Callable[[], str] = new_id

    async def find(self, account_id: str) -> Phone | None:
        return await self.phones.find(account_id)

    async def unavailable(self) -> str:
        return await asyncio.to_thread(self.missing_rights)

    async def enter(self, account_id: str, number: str) -> Phone:
        """Send a code to a number, and store it unverified; one that is verified stays so.

        409 `channel_unavailable`, 422 `invalid_phone_number`, 429 `too_many_texts`. What fails changes nothing.
        """
        known = await self.phones.find(account_id)
        if known is not None and known.verified and known.number == number:
            return known
        if reason := await self.unavailable():
            raise Conflict(reason, code="channel_unavailable")
        phone = Phone(account_id, number, False, self.ids(), self.clock() + CODE_LIFE)
        text = code_text(self.codes.code(phone.code_id), await self.language_of(account_id))
        await self.send_code(account_id, number, text)
        await self.phones.put(phone)
        return phone

    async def verify(self, account_id: str, code: str) -> Phone:
        """Verify the number by the code that was sent to it; it may be repeated.

        404 `phone_verification_not_found` without a code that can still be tried, 422 `wrong_code`.
        """
        known = await self.phones.find(account_id)
        if known is not None and known.verified:
            return known
        tried = await self.phones.count_try(account_id, self.clock())
        if tried is None:
            raise _gone()
        if not self.codes.accepts(tried.code_id, code):
            raise invalid("Wrong code. Check the text message, or send a new code.", "wrong_code")
        if not await self.phones.verify(account_id, tried.code_id):
            raise _gone()
        return replace(tried, verified=True)

    async def remove(self, account_id: str) -> None:
        await self.phones.remove(account_id)


def _gone() -> DomainError:
    detail = "This code has expired or was tried too often. Send a new one."
    return NotFound(detail, code="phone_verification_not_found")
