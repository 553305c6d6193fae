"""Attack: use shares to send emails to people who did not ask for them."""

from typing import Any

import pytest
from deployments import Mailbox
from people import Person

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.attack


async def test_sharing_and_unsharing_mails_once(mallory: Person, mailbox: Mailbox) -> None:
    """One mail of a file, however often it is shared again; it names the sender and quotes what they wrote."""
    victim = f"victim-{new_id()[-10:]}@example.org"
    first, last = [await mallory.upload(f"/{name}", b"x") for name in ("click www.evil.example now.txt", "last.txt")]
    for _ in range(5):
        share = await mallory.call("POST", f"/v1/files/{first['id']}/shares", {"email": victim, "role": "viewer"})
        await mallory.call("DELETE", f"/v1/files/{first['id']}/shares/{share['id']}")
    for file in (first, last):
        await mallory.call("POST", f"/v1/files/{file['id']}/shares", {"email": victim, "role": "viewer"})

    async def mailed() -> Any:
        return [mail for mail in mailbox.of(victim) if "last.txt" in mail.text]

    await eventually(mailed)
    mails = mailbox.of(victim)
    assert sum(mail.text.count("click www .evil") for mail in mails) <= 1
    assert all(mallory.email in mail.text for mail in mails)
