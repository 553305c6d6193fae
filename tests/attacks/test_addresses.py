"""Attack: sign up with someone else's email address."""

from typing import Any

import pytest
from deployments import Mailbox
from people import PASSWORD, Person
from verified_emails import verification_token, verify_email

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.attack


async def test_signing_up_with_an_invited_address_shows_nothing(ada: Person, nobody: Person, mailbox: Mailbox) -> None:
    """Neither what waits for the address, nor what is shared with it later; its owner gets both by the mailed link."""
    email = f"cfo-{new_id()[-10:]}@example.org"
    files = [await ada.upload(f"/{name}.txt", b"secret") for name in ("before", "after")]
    to_victim = {"email": email, "role": "viewer"}
    await ada.call("POST", f"/v1/files/{files[0]['id']}/shares", to_victim)
    await nobody.sign_up(email, PASSWORD)
    token = await verification_token(mailbox, email)
    late = await ada.call("POST", f"/v1/files/{files[1]['id']}/shares", to_victim)
    assert late["state"] == "pending"
    assert await nobody.every("/v1/shared-with-me") == []
    for file in files:
        assert (await nobody.ask("GET", f"/v1/files/{file['id']}")).status == 404
    record = token.partition(".")[0]
    for forged in (record, f"{record}.{'0' * 64}", token[:-1]):
        refused = await nobody.refused("POST", "/v1/accounts/verify", {"token": forged})
        assert refused == (404, "verification_not_found")
    await verify_email(nobody, mailbox, email)

    async def granted() -> Any:
        return len(await nobody.every("/v1/shared-with-me")) == 2

    await eventually(granted)


async def test_a_link_works_for_its_own_account_only(mallory: Person, ada: Person, mailbox: Mailbox) -> None:
    """Logged in, a mailed link or code proves the own address alone; guessing ends after a few codes."""
    theirs = await verification_token(mailbox, ada.email)
    path = "/v1/me/email-verification"
    assert await mallory.refused("PUT", path, {"token": theirs}) == (404, "verification_not_found")
    answers = [await mallory.refused("PUT", path, {"code": f"{guess:08d}"}) for guess in range(12)]
    assert answers[0] == (422, "wrong_code")
    assert answers[-1] == (404, "verification_not_found")
    assert (await ada.call("GET", "/v1/me"))["email_verified"] is False
