"""Administrators' routes, and their refusal to everyone else."""

import asyncio

import pytest
from accounts_client import Client, PublishedEvents, Run
from pydantic import SecretStr

from docstore_platform.mongodb.client import Database
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_the_first_admin_is_made_once_by_several_instances(run: Run, database: Database) -> None:
    """Instances that start at once, and later again, create one administrator and publish one event."""
    first = {"first_admin_email": "root@example.org", "first_admin_password": SecretStr("correct horse")}

    async def start_and_stop() -> None:
        async with run(**first):
            pass

    await asyncio.gather(*(start_and_stop() for _ in range(4)))
    await start_and_stop()
    accounts = await database["accounts"].find({}).to_list(None)
    assert [(account["email"], account["role"]) for account in accounts] == [("root@example.org", "admin")]
    assert await database["outbox"].count_documents({}) == 1


async def test_accounts_are_listed_by_email_filtered_and_paged(admin: Client) -> None:
    """Pages of two meet without gap or overlap; prefix, plan and status narrow the list."""
    for name in ("dora", "ann", "bob", "anna"):
        await admin.person(f"{name}@example.org")
    bob = (await admin.ok("GET", "/v1/admin/accounts?q=BOB"))["items"][0]
    await admin.ok("PATCH", f"/v1/admin/accounts/{bob['id']}", {"plan": "premium", "status": "suspended"})

    async def listed(query: str) -> list[str]:
        emails, cursor = [], ""
        while True:
            page = await admin.ok("GET", f"/v1/admin/accounts?limit=2{query}{cursor}")
            emails += [item["email"].partition("@")[0] for item in page["items"]]
            if page["next_cursor"] is None:
                return emails
            assert len(page["items"]) == 2
            cursor = f"&cursor={page['next_cursor']}"

    assert await listed("") == ["ann", "anna", "bob", "dora", "root"]
    assert sorted(await listed("&q=ANN")) == ["ann", "anna"]
    assert await listed("&q=ann@") == ["ann"]
    assert await listed("&plan=premium") == ["bob"]
    assert await listed("&status=suspended&q=b") == ["bob"]
    assert await listed("&status=suspended&plan=free") == []
    assert await admin.refused("GET", "/v1/admin/accounts?plan=gold") == (422, "invalid_request")


async def test_unchangeable_fields_are_refused(admin: Client) -> None:
    """A field that there is not, or not here, is 422 by its name, and what stands beside it is not done."""
    ann = await admin.person("ann@example.org")
    path = f"/v1/admin/accounts/{(await ann.ok('GET', '/v1/me'))['id']}"
    answer = await admin.call("PATCH", path, {"password": "another horse", "plan": "premium"})
    problem = answer.json()
    assert (answer.status, problem["code"]) == (422, "invalid_request")
    assert problem["errors"][0]["field"] == "body.password"
    assert (await ann.ok("GET", "/v1/me"))["plan"] == "free"
    assert await ann.refused("PATCH", "/v1/me", {"plan": "premium"}) == (422, "invalid_request")


async def test_suspending_ends_everything_at_once(admin: Client, published: PublishedEvents) -> None:
    """No log-in, no refresh, no session; one account-updated; active again, all works again."""
    login = {"email": "ann@example.org", "password": "correct horse"}
    await admin.person("ann@example.org")
    tokens = await admin.ok("POST", "/v1/sessions", login)
    path = f"/v1/admin/accounts/{tokens['account']['id']}"
    assert (await admin.ok("PATCH", path, {"status": "suspended"}))["status"] == "suspended"
    assert await admin.refused("POST", "/v1/sessions", login) == (403, "account_suspended")
    wrong = login | {"password": "wrong"}
    assert await admin.refused("POST", "/v1/sessions", wrong) == (401, "invalid_credentials")
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert (await admin.refused("POST", "/v1/sessions/refresh", refresh))[0] == 401
    await admin.ok("PATCH", path, {"status": "active"})
    await admin.login("ann@example.org")

    async def statuses() -> bool:
        events = [envelope.event for envelope in await published.of(tokens["account"]["id"])]
        return [(event.type, event.status) for event in events] == [
            ("account-created", "active"),
            ("account-updated", "suspended"),
            ("account-updated", "active"),
        ]

    await eventually(statuses)


async def test_a_new_role_shows_in_the_next_token(admin: Client) -> None:
    """Someone made administrator can administer after the next log-in or refresh."""
    ann = await admin.person("ann@example.org")
    account_id = (await ann.ok("GET", "/v1/me"))["id"]
    assert (await admin.ok("PATCH", f"/v1/admin/accounts/{account_id}", {"role": "admin"}))["role"] == "admin"
    assert (await ann.refused("GET", "/v1/admin/accounts"))[0] == 403
    await (await admin.login("ann@example.org")).ok("GET", "/v1/admin/accounts")


async def test_only_administrators_administer(admin: Client) -> None:
    """403 for everyone without the role, also about themselves; unknown ids are 404 for administrators."""
    ann = await admin.person("ann@example.org")
    account_id = (await ann.ok("GET", "/v1/me"))["id"]
    assert await ann.refused("GET", "/v1/admin/accounts") == (403, "forbidden")
    for path in (account_id, "unknown"):
        answer = await ann.refused("PATCH", f"/v1/admin/accounts/{path}", {"plan": "premium"})
        assert answer == (403, "forbidden")
    assert await admin.refused("PATCH", "/v1/admin/accounts/unknown", {"plan": "premium"}) == (404, "not_found")


async def test_administrators_keep_their_own_rights(admin: Client) -> None:
    """409 for demoting or suspending oneself."""
    account_id = (await admin.ok("GET", "/v1/me"))["id"]
    for change in ({"role": "user"}, {"status": "suspended"}):
        assert await admin.refused("PATCH", f"/v1/admin/accounts/{account_id}", change) == (409, "own_account")


@pytest.mark.parametrize("change", [{"role": "user"}, {"status": "suspended"}])
async def test_two_administrators_cannot_remove_each_other_at_once(admin: Client, database: Database, change) -> None:
    """The first one succeeds; the other one is no administrator any more."""
    root = (await admin.ok("GET", "/v1/me"))["id"]
    ann = (await (await admin.person("ann@example.org")).ok("GET", "/v1/me"))["id"]
    await admin.ok("PATCH", f"/v1/admin/accounts/{ann}", {"role": "admin"})
    other = await admin.login("ann@example.org")
    answers = await asyncio.gather(
        admin.call("PATCH", f"/v1/admin/accounts/{ann}", change),
        other.call("PATCH", f"/v1/admin/accounts/{root}", change),
    )
    assert sorted(answer.status for answer in answers) == [200, 403]
    assert await database["accounts"].count_documents({"role": "admin", "status": "active"}) == 1
