"""Accounts through their HTTP routes, and their events."""

import asyncio
from typing import Any

import pytest
from accounts_client import Client, PublishedEvents, Run
from service_calls import ServiceCaller

from docstore_accounts.account.repository import MongoAccounts
from docstore_accounts.sessions.repository import MongoSessions
from docstore_accounts.settings import AccountsSettings
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.mongodb.client import ConnectionFailure, Database, PyMongoError
from docstore_platform.service.client import HttpResponse
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

ANN = {"email": "Ann@Example.org", "password": "correct horse", "display_name": "Ann"}


async def test_sign_up_returns_and_publishes_the_account(
    client: Client, published: PublishedEvents, infra: InfraSettings
) -> None:
    """201 with what the API names, and account-created on the broker under the account's id."""
    answer = await client.call("POST", "/v1/accounts", ANN)
    account = answer.json()
    assert answer.status == 201
    assert {name: account[name] for name in ("email", "display_name", "plan", "role", "status")} == {
        "email": "Ann@Example.org",
        "display_name": "Ann",
        "plan": "free",
        "role": "user",
        "status": "active",
    }
    assert account["home_region"] == infra.region
    (envelope,) = await eventually(lambda: published.of(account["id"]))
    assert (envelope.event.type, envelope.source, envelope.event.revision) == ("account-created", "accounts", 1)
    assert (envelope.event.email, envelope.event.home_region) == ("Ann@Example.org", infra.region)


async def test_a_language_is_published_with_the_account(client: Client, published: PublishedEvents) -> None:
    """At sign-up, so that the first e-mail is in it; 422 for one in which nothing is written."""
    account = (await client.call("POST", "/v1/accounts", ANN | {"language": "es"})).json()
    (envelope,) = await eventually(lambda: published.of(account["id"]))
    assert (account["language"], envelope.event.language) == ("es", "es")
    refused = await client.call("POST", "/v1/accounts", ANN | {"email": "bob@example.org", "language": "tlh"})
    assert (refused.status, refused.json()["code"]) == (422, "invalid_request")


async def test_concurrent_sign_ups_with_one_email_make_one_account(
    run: Run, database: Database, published: PublishedEvents
) -> None:
    """Sixteen at once on two instances, in different spellings: one 201, the rest 409, one account, one event."""
    async with run(hash_queue_per_account=20) as first, run(hash_queue_per_account=20) as second:
        spellings = ["ann@example.org", "ANN@example.org", "Ann@Example.Org", " ann@example.org "]
        answers = await asyncio.gather(
            *(
                instance.call("POST", "/v1/accounts", ANN | {"email": spelling})
                for spelling in spellings * 2
                for instance in (first, second)
            )
        )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 15
    assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"email_taken"}
    assert await database["accounts"].count_documents({}) == 1
    assert await database["outbox"].count_documents({}) == 2, "account-created and email-verification-requested"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "short"}, "weak_password"),
        ({"password": "x" * 1025}, "weak_password"),
        ({"password": "x" * 100_000}, "invalid_request"),
        ({"email": "nobody"}, "invalid_email"),
        ({"email": "a@x.y\r\nBcc: b@x.y"}, "invalid_email"),
        ({"email": "a" * 300 + "@x.y"}, "invalid_request"),
        ({"email": None}, "invalid_request"),
        ({"display_name": "\u202e"}, "invalid_display_name"),
    ],
)
async def test_invalid_sign_ups_are_422_and_store_nothing(
    running: Client, running_database: Database, change, code
) -> None:
    """Each rule has its code; neither an account nor an event is made, and the answer does not echo the password."""

    async def stored() -> list[int]:
        return [await running_database[name].count_documents({}) for name in ("accounts", "outbox")]

    before = await stored()
    answer = await running.call("POST", "/v1/accounts", ANN | change)
    assert (answer.status, answer.json()["code"]) == (422, code)
    assert b"xxxx" not in answer.body
    assert await stored() == before


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000),
        b'{"email": "a@x.y", "password": "\\ud800 horse 99"}',
        b'{"email": "\\ud800@x.y", "password": "correct horse"}',
    ],
)
@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/sessions", "/v1/sessions/refresh"])
async def test_a_body_that_makes_no_sense_is_refused(running: Client, path: str, body: bytes) -> None:
    """Half JSON, half characters, deep nesting: 4xx, never 500."""
    answer = await running.call("POST", path, body)
    assert answer.status in (400, 422)


async def test_me_is_the_account_and_what_it_uses(client: Client) -> None:
    """Usage comes from quota, just the fields the API names."""
    ann = await client.person("ann@example.org")
    me = await ann.ok("GET", "/v1/me")
    assert me["email"] == "ann@example.org"
    assert me["usage"] == {"used": 5, "reserved": 2, "limit": 10, "over_quota": False}


async def test_me_without_quota_is_unavailable(run: Run, settings: AccountsSettings) -> None:
    """503 with Retry-After while quota is down, not a made-up figure."""
    infra = settings.infra.model_copy(update={"quota_url": "local:nobody"})
    async with run(infra=infra) as client:
        answer = await (await client.person("ann@example.org")).call("GET", "/v1/me")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_changes_are_published_in_order(run: Run, published: PublishedEvents) -> None:
    """A new name, then another plan: account-updated and account-plan-changed with the next revisions."""
    async with run(self_service_plans=True) as client:
        ann = await client.person("ann@example.org")
        assert (await ann.ok("PATCH", "/v1/me", {"display_name": "Dr Ann"}))["display_name"] == "Dr Ann"
        account = await ann.ok("PUT", "/v1/me/plan", {"plan": "premium"})
        assert account["plan"] == "premium"

        async def all_three() -> list:
            envelopes = await published.of(account["id"])
            return envelopes if len(envelopes) == 3 else []

        events = [envelope.event for envelope in await eventually(all_three)]
        types = [(event.type, event.revision, event.plan, event.display_name) for event in events]
    assert types == [
        ("account-created", 1, "free", "ann"),
        ("account-updated", 2, "free", "Dr Ann"),
        ("account-plan-changed", 3, "premium", "Dr Ann"),
    ]


async def test_concurrent_changes_of_one_account_lose_nothing(run: Run, database: Database) -> None:
    """Names and plans changed at once on two instances: each event has a revision of its own, without a gap."""
    async with run(self_service_plans=True) as first, run(self_service_plans=True) as second:
        ann = await first.person("ann@example.org")
        there = type(ann)(second.app, ann.token)
        await asyncio.gather(
            *(ann.ok("PATCH", "/v1/me", {"display_name": f"Ann {n}"}) for n in range(6)),
            *(there.ok("PUT", "/v1/me/plan", {"plan": ("free", "premium")[n % 2]}) for n in range(6)),
        )
    account = await database["accounts"].find_one({})
    rows = database["outbox"].find({"key": account["_id"]})
    sequences = sorted([row["sequence"] async for row in rows])
    assert sequences == list(range(1, account["revision"] + 1))


async def test_plans_are_not_self_service_by_default(client: Client) -> None:
    """403 with a code of its own; an unknown plan is 422 anyway."""
    ann = await client.person("ann@example.org")
    assert await ann.refused("PUT", "/v1/me/plan", {"plan": "premium"}) == (403, "plans_not_self_service")
    assert await ann.refused("PUT", "/v1/me/plan", {"plan": "gold"}) == (422, "invalid_request")


async def test_a_new_password_logs_the_other_devices_out(client: Client, database: Database) -> None:
    """The old password is needed, stops working, and only the device that changed it stays logged in."""
    ann = await client.person("ann@example.org")
    await client.login("ann@example.org")
    change = {"password": "battery staple"}
    assert await ann.refused("PATCH", "/v1/me", change) == (422, "current_password_needed")
    wrong = change | {"current_password": "wrong one"}
    assert await ann.refused("PATCH", "/v1/me", wrong) == (403, "invalid_credentials")
    await ann.ok("PATCH", "/v1/me", change | {"current_password": "correct horse"})
    sessions = (await ann.ok("GET", "/v1/sessions"))["items"]
    assert [session["current"] for session in sessions] == [True]
    login = {"email": "ann@example.org", "password": "correct horse"}
    assert await client.refused("POST", "/v1/sessions", login) == (401, "invalid_credentials")
    await client.login("ann@example.org", "battery staple")
    account = await database["accounts"].find_one({})
    assert await database["outbox"].count_documents({"key": account["_id"]}) == 1


async def test_a_new_password_and_the_end_of_the_other_sessions_are_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off in the middle, neither has happened: the same call sent again does both."""
    ann = await client.person("ann@example.org")
    login = {"email": "ann@example.org", "password": "correct horse"}
    lost = {"refresh_token": (await client.ok("POST", "/v1/sessions", login))["refresh_token"]}
    change = {"password": "battery staple", "current_password": "correct horse"}

    async def cut_off(*_: Any, **__: Any) -> None:
        raise ConnectionFailure("the database is gone")

    with monkeypatch.context() as failing:
        failing.setattr(MongoSessions, "delete_all", cut_off)
        assert (await ann.call("PATCH", "/v1/me", change)).status >= 500
    await ann.ok("PATCH", "/v1/me", change)
    assert (await client.refused("POST", "/v1/sessions/refresh", lost))[0] == 401


@pytest.mark.parametrize("is_suspension", [False, True])
async def test_a_log_in_at_the_moment_of_a_new_password_or_a_suspension_does_not_stay(
    is_suspension: bool, admin: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when the sessions have been ended and that is not visible yet: it waits, and is refused."""
    ann = await admin.person("ann@example.org")
    account_id = (await ann.ok("GET", "/v1/me"))["id"]
    waits = asyncio.Event()
    log_ins: list[asyncio.Task[HttpResponse]] = []
    hold, delete_all = MongoAccounts.hold, MongoSessions.delete_all

    async def hold_and_tell(*args: Any) -> None:
        try:
            await hold(*args)
        except PyMongoError:
            waits.set()
            raise

    async def delete_and_meet_a_log_in(*args: Any, **options: Any) -> None:
        await delete_all(*args, **options)
        if not log_ins:
            login = {"email": "ann@example.org", "password": "correct horse"}
            log_ins.append(asyncio.create_task(admin.call("POST", "/v1/sessions", login)))
            waiting = asyncio.create_task(waits.wait())
            await asyncio.wait([log_ins[0], waiting], return_when=asyncio.FIRST_COMPLETED)

    monkeypatch.setattr(MongoAccounts, "hold", hold_and_tell)
    monkeypatch.setattr(MongoSessions, "delete_all", delete_and_meet_a_log_in)
    if is_suspension:
        await admin.ok("PATCH", f"/v1/admin/accounts/{account_id}", {"status": "suspended"})
    else:
        await ann.ok("PATCH", "/v1/me", {"password": "battery staple", "current_password": "correct horse"})
    assert (await log_ins[0]).status == 401
    assert await database["sessions"].count_documents({"account_id": account_id}) == (0 if is_suspension else 1)


async def test_no_route_answers_without_a_token_or_with_a_forged_one(running: Client) -> None:
    """401 problem+json on every route that needs a caller."""
    routes = [
        ("GET", "/v1/me"),
        ("PATCH", "/v1/me"),
        ("PUT", "/v1/me/plan"),
        ("GET", "/v1/sessions"),
        ("DELETE", "/v1/sessions/current"),
        ("DELETE", "/v1/sessions/x"),
        ("GET", "/v1/admin/accounts"),
        ("PATCH", "/v1/admin/accounts/x"),
    ]
    for token in ("", "a.b.c", "eyJhbGciOiJub25lIn0.e30."):
        for method, path in routes:
            outsider = type(running)(running.app, token)
            body = {"plan": "free"} if method in ("PUT", "PATCH") else None
            assert await outsider.refused(method, path, body) == (401, "unauthorized")


async def test_internal_routes_admit_only_services(client: Client, infra: InfraSettings) -> None:
    """Keys and accounts are for other services; an access token does not do."""
    ann = await client.person("ann@example.org")
    account_id = (await ann.ok("GET", "/v1/me"))["id"]
    for path in ("/internal/keys", f"/internal/accounts/{account_id}", "/internal/dead-letters"):
        assert (await client.refused("GET", path))[0] == 401
        assert (await ann.refused("GET", path))[0] == 401
    service = ServiceCaller("accounts", infra, client.url)
    account = await service.call("GET", f"/internal/accounts/{account_id}")
    assert (account["id"], account["revision"]) == (account_id, 1)
    with pytest.raises(DomainError) as refused:
        await service.call("GET", "/internal/accounts/unknown")
    assert (problem_of(refused.value).status, refused.value.code) == (404, "not_found")
    assert len((await service.call("GET", "/internal/keys"))["keys"]) == 1


async def test_an_account_event_can_be_republished(
    client: Client, published: PublishedEvents, infra: InfraSettings
) -> None:
    """The upload workflow and operators can have an event sent again under its old id."""
    account = await client.ok("POST", "/v1/accounts", ANN)
    (envelope,) = await eventually(lambda: published.of(account["id"]))
    service = ServiceCaller("accounts", infra, client.url)

    async def republished() -> bool:
        answer = await service.call("POST", "/internal/events/republish", {"event_ids": [envelope.id]})
        return bool(answer["republished"])

    await eventually(republished)

    async def twice() -> bool:
        return [again.id for again in await published.of(account["id"])] == [envelope.id] * 2

    await eventually(twice)
