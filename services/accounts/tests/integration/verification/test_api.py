"""Verifying an e-mail address by HTTP."""

import pytest
from accounts_client import Client, Run
from pydantic import SecretStr

from docstore_accounts.settings import AccountsSettings
from docstore_platform.mongodb.client import Database
from docstore_platform.security.mailed_links import VerificationLinks

pytestmark = pytest.mark.connected

ANN = "ann@example.org"
PATH = "/v1/me/email-verification"


async def test_a_mailed_link_or_code_verifies_an_address(
    client: Client, database: Database, settings: AccountsSettings
) -> None:
    """Without a login by the link, with one by the code; each once, and the account shows it."""
    links = VerificationLinks(settings.infra)
    for email in (ANN, "bob@example.org"):
        await client.ok("POST", "/v1/accounts", {"email": email, "password": "correct horse"})
    by_account = {row["account_id"]: row["_id"] async for row in database["email_verifications"].find()}
    ann, bob = await client.login(ANN), await client.login("bob@example.org")
    for person in (ann, bob):
        assert (await person.ok("GET", "/v1/me"))["email_verified"] is False
    ids = [by_account[(await person.ok("GET", "/v1/me"))["id"]] for person in (ann, bob)]
    assert await ann.refused("PUT", PATH, {"code": links.code(ids[1])}) == (422, "wrong_code")
    assert await ann.refused("PUT", PATH, {"token": links.token(ids[1])}) == (404, "verification_not_found")
    assert await ann.refused("PUT", PATH, {}) == (422, "invalid_request")
    shown = await client.ok("POST", "/v1/accounts/verify", {"token": links.token(ids[0])})
    assert shown == {"email": ANN, "email_verified": True}
    await bob.ok("PUT", PATH, {"code": links.code(ids[1])})
    for person, verification_id in zip((ann, bob), ids, strict=True):
        assert (await person.ok("GET", "/v1/me"))["email_verified"] is True
        body = {"token": links.token(verification_id)}
        assert await client.refused("POST", "/v1/accounts/verify", body) == (404, "verification_not_found")
        assert (await person.ok("POST", PATH))["email_verified"] is True
    assert await database["outbox"].count_documents({"key": {"$in": ids}}) == 2


async def test_an_account_from_before_is_not_verified(run: Run, database: Database) -> None:
    """It logs in as ever, may have a mail sent, and an administrator may vouch for it."""
    first_admin = {"first_admin_email": "root@example.org", "first_admin_password": SecretStr("correct horse")}
    async with run(**first_admin) as client:
        await client.ok("POST", "/v1/accounts", {"email": ANN, "password": "correct horse"})
        await database["accounts"].update_many({}, {"$unset": {"email_verified": ""}})
        await database["email_verifications"].delete_many({})
        ann = await client.login(ANN)
        shown = await ann.ok("POST", PATH)
        assert (shown["email_verified"], await database["email_verifications"].count_documents({})) == (False, 1)
    async with run(**first_admin) as client:
        admin = await client.login("root@example.org")
        assert (await admin.ok("GET", "/v1/me"))["email_verified"], "the first administrator counts as proven"
        ann = await client.login(ANN)
        path = f"/v1/admin/accounts/{(await ann.ok('GET', '/v1/me'))['id']}"
        assert (await admin.ok("PATCH", path, {"email_verified": True}))["email_verified"]
