"""Attack: sign up with someone else's email address."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from deployments import Mailbox
from people import PASSWORD, Json, Person, SignUp
from verified_emails import verification_token, verify_email

from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

pytestmark = pytest.mark.attack

RESET = "/reset-password#"
OTHER_PASSWORD = "another horse battery"


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


async def reset_password(nobody: Person, mailbox: Mailbox, email: str) -> None:
    """Set another password by the link that is mailed to the address."""
    await nobody.call("POST", "/v1/password-resets", {"email": email})

    async def mailed() -> Any:
        return next((mail for mail in mailbox.of(email) if RESET in mail.text), None)

    link = next(line for line in (await eventually(mailed)).text.splitlines() if RESET in line)
    confirm = {"token": urlsplit(link).fragment, "password": OTHER_PASSWORD}
    await nobody.call("POST", "/v1/password-resets/confirm", confirm)


async def let_in(person: Person, accomplice: Person) -> tuple[Json, list[Json]]:
    """Set up all ways to learn of an account's later files: a folder that is shared, linked to and followed by a
    webhook; the folder and the links."""
    folder: Json = await person.call("POST", "/v1/folders", {"path": "/papers"})
    await person.share(folder, accomplice, "editor")
    path = f"/v1/files/{folder['id']}/links"
    links = [await person.call("POST", path, {"kind": kind}) for kind in ("read", "edit", "receive")]
    for followed in (folder["id"], person.id):
        webhook = {"channel": "webhook", "target": {"url": f"https://mallory.example.org/{followed}"}}
        await person.call("POST", "/v1/subscriptions", {"file_id": followed, **webhook})
    return folder, links


async def ways_in(person: Person, accomplice: Person, nobody: Person, folder: Json, links: list[Json]) -> list[int]:
    """Statuses of the ways that were set up, and the number of webhooks."""
    shared = await accomplice.ask("GET", f"/v1/files/{folder['id']}")
    opened = [(await nobody.ask("POST", f"/v1/links/{link['token']}/open", {})).status for link in links]
    return [shared.status, *opened, len(await person.every("/v1/subscriptions"))]


async def test_who_signed_up_first_keeps_nothing_once_the_owner_takes_over(
    sign_up: SignUp, ada: Person, mallory: Person, nobody: Person, mailbox: Mailbox
) -> None:
    """Shares, links, webhooks and tokens made before the owner of the address has reset the password end; what others
    share with the address is granted. A reset by someone who has proven the address ends only log-ins and tokens."""
    owner = await sign_up("owner")
    await owner.verify_email()
    squatter = await sign_up("cfo")
    for_cfo = await ada.upload("/for-the-cfo.txt", b"secret")
    await ada.call("POST", f"/v1/files/{for_cfo['id']}/shares", {"email": squatter.email, "role": "viewer"})
    kept, lost = await let_in(owner, mallory), await let_in(squatter, mallory)
    token = await squatter.call("POST", "/v1/me/tokens", {"name": "kept", "scopes": ["files:read"]})
    for person in (owner, squatter):
        await reset_password(nobody, mailbox, person.email)
        await person.log_in(person.email, OTHER_PASSWORD)

    async def nothing_left() -> bool:
        return await ways_in(squatter, mallory, nobody, *lost) == [404, 404, 404, 404, 0]

    await eventually(nothing_left)
    assert await ways_in(owner, mallory, nobody, *kept) == [200, 200, 200, 200, 2]
    nobody.access_token = token["token"]
    assert (await nobody.ask("GET", "/v1/files")).status == 401
    paper = await squatter.upload("/papers/plan.txt", b"secret")
    assert (await mallory.ask("GET", f"/v1/files/{paper['id']}")).status == 404

    async def granted() -> bool:
        return [file["id"] for file in await squatter.every("/v1/shared-with-me")] == [for_cfo["id"]]

    await eventually(granted)
