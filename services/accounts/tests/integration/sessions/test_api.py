"""Log-ins, refresh tokens, devices and keys on a real database, over several instances."""

import asyncio
from functools import partial

import pytest
from accounts_client import Client, PublishedEvents, Run
from service_calls import ServiceCaller

from docstore_platform.mongodb.client import Database
from docstore_platform.security.tokens import TokenVerifier
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

LOGIN = {"email": "ann@example.org", "password": "correct horse"}


async def test_a_login_answers_tokens_and_the_account(client: Client, infra: InfraSettings) -> None:
    """What the API names; the access token names session, role and device, and ten minutes to live."""
    await client.person("ann@example.org")
    answer = await client.call("POST", "/v1/sessions", LOGIN | {"device_name": "Ann's laptop"})
    tokens = answer.json()
    assert answer.status == 201
    assert answer.headers["cache-control"] == "no-store"
    assert tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "account", "device_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 600)
    keys = await ServiceCaller("accounts", infra, client.url).call("GET", "/internal/keys")

    async def fetch() -> dict:
        return keys

    principal = await TokenVerifier(fetch, infra.issuer).verify(tokens["access_token"])
    assert (principal.account_id, principal.role) == (tokens["account"]["id"], "user")
    assert principal.device == "Ann's laptop"


async def test_a_login_works_with_the_email_in_any_spelling(client: Client) -> None:
    """Upper case and blanks around make no difference."""
    await client.person("ann@example.org")
    await client.login(" ANN@Example.org")


async def test_unknown_and_wrong_are_answered_alike(client: Client) -> None:
    """401 with the same body, whether there is an account or not."""
    await client.person("ann@example.org")
    wrong = await client.call("POST", "/v1/sessions", LOGIN | {"password": "wrong"})
    unknown = await client.call("POST", "/v1/sessions", LOGIN | {"email": "nobody@example.org"})
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert (wrong.status, wrong.json()["code"]) == (401, "invalid_credentials")


async def test_guessing_is_slowed_over_all_instances(run: Run) -> None:
    """Failures on two instances count together; a forged X-Forwarded-For in front does not help; elsewhere is free."""
    async with run(login_failures=4) as first, run(login_failures=4) as second:
        await first.person("ann@example.org")
        for instance in (first, second, first, second):
            assert (await instance.refused("POST", "/v1/sessions", LOGIN | {"password": "wrong"}))[0] == 401
        second.address = "9.9.9.9, 10.0.0.1"
        answer = await second.call("POST", "/v1/sessions", LOGIN)
        assert (answer.status, answer.json()["code"]) == (429, "too_many_failures")
        assert 0 < int(answer.headers["retry-after"]) <= 900
        second.address = "10.0.0.2"
        await second.login("ann@example.org")


async def test_refresh_tokens_rotate_on_any_instance(run: Run) -> None:
    """A token given out by one instance is renewed by another, once."""
    async with run() as first, run() as second:
        await first.person("ann@example.org")
        tokens = await first.ok("POST", "/v1/sessions", LOGIN)
        renewed = await second.ok("POST", "/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]})
        assert renewed.keys() == tokens.keys() - {"device_token"}
        ann = type(first)(first.app, renewed["access_token"])
        assert (await ann.ok("GET", "/v1/me"))["id"] == tokens["account"]["id"]


async def test_a_replayed_refresh_token_revokes_its_family(run: Run, database: Database) -> None:
    """The old token, used again, ends the session: its newest token is refused too. Other sessions live on."""
    async with run() as client:
        ann = await client.person("ann@example.org")
        old = (await client.ok("POST", "/v1/sessions", LOGIN))["refresh_token"]
        new = (await client.ok("POST", "/v1/sessions/refresh", {"refresh_token": old}))["refresh_token"]
        for token in (old, new):
            assert await client.refused("POST", "/v1/sessions/refresh", {"refresh_token": token}) == (
                401,
                "unauthorized",
            )
        assert len((await ann.ok("GET", "/v1/sessions"))["items"]) == 1


async def test_a_refresh_token_works_once_concurrently(run: Run, database: Database) -> None:
    """Eight refreshes with one token on two instances: one answer at most, and no session left to two holders."""
    async with run() as first, run() as second:
        await first.person("ann@example.org")
        token = (await first.ok("POST", "/v1/sessions", LOGIN))["refresh_token"]
        body = {"refresh_token": token}
        answers = await asyncio.gather(
            *(instance.call("POST", "/v1/sessions/refresh", body) for instance in (first, second) for _ in range(4))
        )
        assert sorted(answer.status for answer in answers) == [200] + [401] * 7
        winner = next(answer.json()["refresh_token"] for answer in answers if answer.status == 200)
        assert (await first.refused("POST", "/v1/sessions/refresh", {"refresh_token": winner}))[0] == 401


async def test_devices_are_listed_newest_first_and_paged(client: Client) -> None:
    """Name, times and which one is mine; pages meet without gap or overlap."""
    await client.person("ann@example.org")
    for device in ("Phone", "Tablet", "Laptop"):
        ann = await client.login("ann@example.org", device=device)
    page = await ann.ok("GET", "/v1/sessions?limit=3")
    assert [item["device_name"] for item in page["items"]] == ["Laptop", "Tablet", "Phone"]
    assert [item["current"] for item in page["items"]] == [True, False, False]
    rest = await ann.ok("GET", f"/v1/sessions?limit=3&cursor={page['next_cursor']}")
    assert (len(rest["items"]), rest["next_cursor"]) == (1, None)
    assert await ann.refused("GET", "/v1/sessions?cursor=bm9uc2Vuc2U") == (422, "invalid_cursor")


async def test_a_device_is_logged_out_from_another(client: Client) -> None:
    """Its refresh token stops working; another account's session and an unknown one are both 404."""
    ann, bob = await client.person("ann@example.org"), await client.person("bob@example.org")
    tokens = await client.ok("POST", "/v1/sessions", LOGIN | {"device_name": "Lost phone"})
    lost = (await ann.ok("GET", "/v1/sessions"))["items"][0]
    assert lost["device_name"] == "Lost phone"
    for session_id in (lost["id"], "unknown"):
        assert await bob.refused("DELETE", f"/v1/sessions/{session_id}") == (404, "not_found")
    assert (await ann.call("DELETE", f"/v1/sessions/{lost['id']}")).status == 204
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert (await client.refused("POST", "/v1/sessions/refresh", refresh))[0] == 401


async def test_logging_out_ends_this_session(client: Client) -> None:
    """204, again too; the refresh token of the session is dead."""
    await client.person("ann@example.org")
    tokens = await client.ok("POST", "/v1/sessions", LOGIN)
    ann = type(client)(client.app, tokens["access_token"])
    for _ in range(2):
        assert (await ann.call("DELETE", "/v1/sessions/current")).status == 204
    assert (await client.refused("POST", "/v1/sessions/refresh", {"refresh_token": tokens["refresh_token"]}))[0] == 401


async def test_instances_started_together_agree_on_one_key(run: Run, database: Database) -> None:
    """Four instances starting at once on an empty database make one signing key: a fifth verifies all their tokens."""

    async def start_and_log_in(name: str) -> str:
        async with run() as client:
            return (await client.person(f"{name}@example.org")).token

    tokens = await asyncio.gather(*(start_and_log_in(name) for name in ("ann", "bob", "cleo", "dora")))
    assert await database["signing_keys"].count_documents({}) == 1
    async with run() as client:
        for token in tokens:
            await type(client)(client.app, token).ok("GET", "/v1/me")


async def test_tokens_survive_a_restart(run: Run) -> None:
    """Keys and sessions are in the database: no one is logged out by a new process."""
    async with run() as client:
        ann = await client.person("ann@example.org")
        refresh = (await client.ok("POST", "/v1/sessions", LOGIN))["refresh_token"]
    async with run() as client:
        await type(ann)(client.app, ann.token).ok("GET", "/v1/me")
        await client.ok("POST", "/v1/sessions/refresh", {"refresh_token": refresh})


async def test_a_login_renews_a_hash_of_lower_cost(run: Run, database: Database) -> None:
    """After the cost was raised by setting, logging in stores a hash of the new cost."""
    async with run() as client:
        await client.person("ann@example.org")
    async with run(argon2_memory_kib=64) as client:
        await client.login("ann@example.org")
        assert "$m=64,t=1,p=1$" in (await database["accounts"].find_one({}))["password_hash"]
        await client.login("ann@example.org")


async def test_a_login_is_published_with_whether_its_device_is_new(
    client: Client, published: PublishedEvents, database: Database
) -> None:
    """session-started for each log-in, made together with its session; a device is known by its token alone."""
    await client.ok("POST", "/v1/accounts", {"email": "ann@example.org", "password": "correct horse"})
    token = (await client.ok("POST", "/v1/sessions", LOGIN | {"device_name": "Phone"}))["device_token"]
    logins = [{"device_name": "Phone"}, {"device_name": "My phone", "device_token": token}]
    answers = [await client.ok("POST", "/v1/sessions", LOGIN | login) for login in logins]
    assert answers[0]["device_token"] != token
    assert answers[1]["device_token"] == token
    devices = []
    async for session in database["sessions"].find():
        (envelope,) = await eventually(partial(published.of, session["_id"]))
        assert (envelope.event.type, envelope.event.account_id) == ("session-started", session["account_id"])
        devices.append((envelope.event.device, envelope.event.new_device))
    assert sorted(devices) == [("My phone", False), ("Phone", True), ("Phone", True)]
    assert token not in str([row async for row in database["devices"].find()])


async def test_browsers_have_names_that_people_read(client: Client, database: Database) -> None:
    """Of the User-Agent, where no name is given; also those that were kept as they came."""
    await client.ok("POST", "/v1/accounts", {"email": "ann@example.org", "password": "correct horse"})
    chrome = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
    )
    answer = await client.call("POST", "/v1/sessions", LOGIN, **{"user-agent": chrome})
    ann = type(client)(client.app, answer.json()["access_token"])
    (session,) = (await ann.ok("GET", "/v1/sessions"))["items"]
    assert session["device_name"] == "Chrome on Windows"
    await database["sessions"].update_one({}, {"$set": {"device": chrome[:100]}})
    (session,) = (await ann.ok("GET", "/v1/sessions"))["items"]
    assert session["device_name"].endswith("on Windows")
