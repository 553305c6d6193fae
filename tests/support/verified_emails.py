"""Verifies an email address with the link from the sign-up email."""

from collections.abc import Awaitable
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from deployments import Mailbox

from docstore_platform.testing import eventually

LINK = "/verify-email#"
SUBJECT = "Verify your e-mail address"


class Caller(Protocol):
    def call(self, method: str, path: str, body: Any = None, /) -> Awaitable[Any]: ...


async def verification_token(mailbox: Mailbox, email: str) -> str:
    """Of the newest such mail to the address, once there is one."""

    async def mailed() -> Any:
        return next((mail for mail in reversed(mailbox.of(email)) if mail.subject == SUBJECT), None)

    mail = await eventually(mailed)
    return urlsplit(next(line for line in mail.text.splitlines() if LINK in line)).fragment


async def verify_email(caller: Caller, mailbox: Mailbox | None, email: str) -> None:
    """Have the address verified; skips the test where no one can look into the mailbox."""
    if mailbox is None:
        pytest.skip("NOT PROVEN on this deployment, whose mail nobody can read: set DOCSTORE_E2E_MAILBOX")
    await caller.call("POST", "/v1/accounts/verify", {"token": await verification_token(mailbox, email)})
