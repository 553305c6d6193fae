"""Passwords that were forgotten."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from accounts_client import Client, PublishedEvents, Run

from docstore_accounts.resets.repository import MongoResets, ResetRequest
from docstore_accounts.settings import AccountsSettings
from docstore_events.catalogue.accounts import PasswordReset, PasswordResetRequested
from docstore_events.transaction import Transaction
from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Database
from docstore_platform.security.mailed_links import ResetLinks
from docstore_platform.testing import eventually
from docstore_work.lease_queue import LeaseLost

pytestmark = pytest.mark.connected

ANN = "ann@example.org"
OLD, NEW = "correct horse", "another horse"
GONE = (404, "reset_not_found")


async def ask(client: Client, email: str) -> None:
    answer = await client.call("POST", "/v1/password-resets", {"email": email})
    assert (answer.status, answer.json()) == (202, {"accepted": True})


async def answered(database: Database) -> list[Any]:
    """The resets there are, once everyone who asked was answered."""

    async def nobody_waits() -> bool:
        return await database["reset_requests"].find_one({"due_at": {"$exists": True}}) is None

    await eventually(nobody_waits)
    return [row async for row in database["password_resets"].find().sort("_id", 1)]


@pytest.fixture
async def token(client: Client, database: Database, settings: AccountsSettings) -> str:
    """What stands in the mail to Ann, who has just signed up and forgotten her password."""
    await client.ok("POST", "/v1/accounts", {"email": ANN, "password": OLD})
    await ask(client, ANN.upper())
    (reset,) = await answered(database)
    return ResetLinks(settings.infra).token(reset["_id"])


async def test_a_password_is_set_once_and_ends_every_session(
    client: Client, published: PublishedEvents, token: str
) -> None:
    """The event has no way in it to make the link; afterwards only the new password works, and the link no more."""
    tokens = await client.ok("POST", "/v1/sessions", {"email": ANN, "password": OLD})
    (envelope,) = await eventually(lambda: published.of(token.partition(".")[0]))
    assert isinstance(envelope.event, PasswordResetRequested)
    assert envelope.event.account_id == tokens["account"]["id"]
    assert token.partition(".")[2] not in envelope.event.model_dump_json()
    assert timedelta(minutes=59) < envelope.event.expires_at - utc_now() <= timedelta(hours=1)
    confirm = {"token": token, "password": NEW}
    assert (await client.call("POST", "/v1/password-resets/confirm", confirm)).status == 204
    renewal = {"refresh_token": tokens["refresh_token"]}
    assert (await client.call("POST", "/v1/sessions/refresh", renewal)).status == 401
    assert await client.refused("POST", "/v1/sessions", {"email": ANN, "password": OLD}) == (401, "invalid_credentials")
    ann = await client.login(ANN, NEW)
    assert (await ann.ok("GET", "/v1/me"))["email_verified"], "who uses a mailed link reads the mails"
    assert await client.refused("POST", "/v1/password-resets/confirm", {**confirm, "password": OLD}) == GONE


async def test_a_reset_ends_the_lock_after_wrong_guesses(
    client: Client, settings: AccountsSettings, token: str
) -> None:
    """With the new password, at once and from the address of the guesses; from others it was never refused."""
    wrong = {"email": ANN, "password": "wrong horse"}
    for _ in range(settings.login_failures):
        assert await client.refused("POST", "/v1/sessions", wrong) == (401, "invalid_credentials")
    assert await client.refused("POST", "/v1/sessions", wrong) == (429, "too_many_failures")
    await client.ok("POST", "/v1/password-resets/confirm", {"token": token, "password": NEW})
    await client.login(ANN, NEW)


async def test_the_account_of_the_new_password_is_published(
    client: Client, published: PublishedEvents, database: Database, token: str
) -> None:
    """Once, by an event that names the account and the link; a link that was refused is in no event."""
    confirm = {"token": token, "password": NEW}
    await client.ok("POST", "/v1/password-resets/confirm", confirm)
    assert await client.refused("POST", "/v1/password-resets/confirm", confirm) == GONE
    reset_id = token.partition(".")[0]
    rows = await database["outbox"].find({"key": reset_id}).sort("sequence", 1).to_list()
    assert [row["sequence"] for row in rows] == [1, 2]
    account = (await client.ok("POST", "/v1/sessions", {"email": ANN, "password": NEW}))["account"]

    async def used() -> Any:
        return [each.event for each in await published.of(reset_id) if isinstance(each.event, PasswordReset)]

    (event,) = await eventually(used)
    assert event.taken_over_at is not None, "her address was not verified"
    expected = PasswordReset(reset_id=reset_id, account_id=account["id"], revision=2, taken_over_at=event.taken_over_at)
    assert event == expected


async def test_responses_do_not_reveal_who_has_an_account(client: Client, database: Database) -> None:
    """An address that is no one's, or is none, gets the same answer; there is nothing to mail."""
    for email in ("nobody@example.org", "no address"):
        await ask(client, email)
    assert await answered(database) == []


async def test_a_reset_link_works_once_concurrently(client: Client, token: str) -> None:
    """Whichever it is: its password works, the other's was refused."""
    passwords = ["first horse", "second horse"]
    answers = await asyncio.gather(
        *(
            client.call("POST", "/v1/password-resets/confirm", {"token": token, "password": password})
            for password in passwords
        )
    )
    assert sorted(answer.status for answer in answers) == [204, 404]
    (winner,) = [password for password, answer in zip(passwords, answers, strict=True) if answer.status == 204]
    await client.login(ANN, winner)


async def test_links_that_are_worth_nothing(client: Client, database: Database, token: str) -> None:
    """Forged, cut, of nothing, ended, or older than a change of the password; a weak password uses nothing up."""
    weak = {"token": token, "password": "short"}
    assert await client.refused("POST", "/v1/password-resets/confirm", weak) == (422, "weak_password")
    last = "0" if token[-1] != "0" else "1"
    for forged in (token[:-1] + last, token.partition(".")[0], token + "0", "", "\u00e9", "." + token):
        body = {"token": forged, "password": NEW}
        assert await client.refused("POST", "/v1/password-resets/confirm", body) == GONE
    ann = await client.login(ANN)
    await ann.ok("PATCH", "/v1/me", {"password": "third horse", "current_password": OLD})
    confirm = {"token": token, "password": NEW}
    assert await client.refused("POST", "/v1/password-resets/confirm", confirm) == GONE
    await client.login(ANN, "third horse")


async def test_a_link_is_good_for_an_hour(client: Client, database: Database, token: str) -> None:
    """A second past its end it is worth nothing, whether or not it was cleared away."""
    await database["password_resets"].update_many({}, {"$set": {"expires_at": utc_now() - timedelta(seconds=1)}})
    assert await client.refused("POST", "/v1/password-resets/confirm", {"token": token, "password": NEW}) == GONE


async def test_repeated_requests_do_not_fill_a_mailbox(client: Client, database: Database, token: str) -> None:
    """Three mails an hour, however often someone asks; all of their links work until one has."""
    for _ in range(5):
        await ask(client, ANN)
    assert len(await answered(database)) == 3
    assert (await client.call("POST", "/v1/password-resets/confirm", {"token": token, "password": NEW})).status == 204


async def test_the_suspended_get_no_mail_and_no_way_in(
    admin: Client, database: Database, settings: AccountsSettings
) -> None:
    """Nor by a link made before."""
    ann = await admin.person(ANN)
    path = f"/v1/admin/accounts/{(await ann.ok('GET', '/v1/me'))['id']}"
    made = await admin.ok("POST", f"{path}/password-resets")
    await admin.ok("PATCH", path, {"status": "suspended"})
    await ask(admin, ANN)
    assert [row["_id"] for row in await answered(database)] == [made["token"].partition(".")[0]]
    confirm = {"token": made["token"], "password": NEW}
    assert await admin.refused("POST", "/v1/password-resets/confirm", confirm) == (403, "account_suspended")


async def test_an_administrator_makes_a_link_to_pass_on(
    admin: Client, database: Database, settings: AccountsSettings
) -> None:
    """Shown once and in no event; no one else can make one, and none for who is not there."""
    ann = await admin.person(ANN)
    path = f"/v1/admin/accounts/{(await ann.ok('GET', '/v1/me'))['id']}/password-resets"
    assert await ann.refused("POST", path) == (403, "forbidden")
    assert await admin.refused("POST", "/v1/admin/accounts/nobody/password-resets") == (404, "not_found")
    answer = await admin.call("POST", path)
    made = answer.json()
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    assert made["url"] == f"{settings.infra.public_url}/reset-password#{made['token']}"
    row = await database["outbox"].find_one({"key": made["token"].partition(".")[0]})
    assert row is not None
    assert made["token"] not in str(row)
    confirm = {"token": made["token"], "password": NEW}
    assert (await admin.call("POST", "/v1/password-resets/confirm", confirm)).status == 204
    ann = await admin.login(ANN, NEW)
    assert not (await ann.ok("GET", "/v1/me"))["email_verified"], "it was passed on by whatever way"


async def test_another_instance_continues_a_dead_ones_resets(run: Run, database: Database) -> None:
    """One that died with a request in its hands: the next instance answers when its lease has ended."""
    async with run() as client:
        await client.ok("POST", "/v1/accounts", {"email": ANN, "password": OLD})
    resets = MongoResets(database, lease_seconds=1)
    await resets.add_request(ResetRequest("left", utc_now(), email=ANN))
    assert await resets.claim() is not None
    assert await resets.claim() is None
    async with run(reset_interval_seconds=0.1):
        assert len(await answered(database)) == 1


async def test_a_request_is_handled_once_beside_the_release_before(run: Run, database: Database) -> None:
    """An instance of the release before completes a request that this one still holds: this one mails nothing more."""
    async with run() as client:
        await client.ok("POST", "/v1/accounts", {"email": ANN, "password": OLD})
    resets = MongoResets(database, lease_seconds=30)
    await resets.add_request(ResetRequest("shared", utc_now(), email=ANN))
    claimed = await resets.claim()
    assert claimed is not None
    await database["reset_requests"].update_one({"_id": "shared"}, {"$unset": {"due_at": "", "email": ""}})
    with pytest.raises(LeaseLost):
        await resets.complete(claimed, Transaction(None, "accounts", ""))


async def test_a_request_of_the_release_before_is_handled(run: Run, database: Database) -> None:
    """It has neither lease nor attempts."""
    async with run() as client:
        await client.ok("POST", "/v1/accounts", {"email": ANN, "password": OLD})
        old = {"_id": "old", "asked_at": utc_now(), "email": ANN, "account_id": "", "due_at": utc_now()}
        await database["reset_requests"].insert_one(old)
    async with run(reset_interval_seconds=0.1):
        assert len(await answered(database)) == 1


async def test_a_request_that_is_repeated_is_handled_once(database: Database) -> None:
    """Also after it was completed; no address is kept then."""
    resets = MongoResets(database, lease_seconds=30)
    for _ in range(2):
        await resets.add_request(ResetRequest("twice", utc_now(), email=ANN))
    claimed = await resets.claim()
    assert claimed is not None
    await resets.complete(claimed, Transaction(None, "accounts", ""))
    await resets.add_request(ResetRequest("twice", utc_now(), email=ANN))
    assert await resets.claim() is None
    assert (await database["reset_requests"].find_one({"_id": "twice"}))["email"] == ""
