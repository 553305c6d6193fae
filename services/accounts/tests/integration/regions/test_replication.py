"""Replication of accounts to another region, over a line that is cut, loses responses or flaps."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from accounts_client import PASSWORD, Client, Run
from prometheus_client import REGISTRY
from regions_client import EAST, PEPPER, WEST, Region
from starlette.types import Receive, Scope, Send

from docstore_accounts.app import create_app
from docstore_accounts.regions.rules import hash_email
from docstore_accounts.settings import AccountsSettings
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database
from docstore_platform.service.client import register_local_app
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_the_minimum_of_an_account_crosses_and_nothing_more(west: Region, east: Region) -> None:
    """The other region knows id, e-mail hash, home, status and revision: no address, name, plan or password."""
    account = (await west.sign_up("ann@example.org")).json()
    entry = await east.knows("ann@example.org", revision=1)
    assert entry == {
        "_id": hash_email(PEPPER, "ann@example.org"),
        "account_id": account["id"],
        "home_region": WEST,
        "status": "active",
        "revision": 1,
    }
    crossed = b"".join(east.line.bodies) + await east.everything()
    assert b"ann" not in crossed
    assert b"argon2" not in crossed
    assert await east.accounts() == 0


async def test_a_region_that_was_cut_off_receives_the_newest_state(
    west: Region, east: Region, client_of: type[Client]
) -> None:
    """Sign-ups and suspensions during the outage arrive after it, also when half of all calls fail first."""
    east.line.cut = True
    emails = [west.email() for _ in range(30)]
    for email in emails:
        assert (await west.sign_up(email)).status == 201
    root = await make_admin(west, client_of)
    for email in emails[::2]:
        account = (await west.entry(email))["account_id"]
        for status in ("suspended", "active", "suspended"):
            await root.ok("PATCH", f"/v1/admin/accounts/{account}", {"status": status})
    assert await east.entry(emails[0]) is None
    east.line.cut, east.line.fails_of_ten = False, 5
    for number, email in enumerate(emails):
        state = {"status": "active", "revision": 1} if number % 2 else {"status": "suspended", "revision": 4}
        await east.knows(email, **state)
    await west.settled()
    await east.settled()


async def test_replication_lag_counts_from_the_oldest_change(west: Region, east: Region) -> None:
    """Tries that fail in between don't start it again; what the region refuses counts, too; 0 once all is sent."""

    async def behind(at_least: float, at_most: float = 60.0) -> bool:
        seconds = REGISTRY.get_sample_value("docstore_replication_behind_seconds", {"peer": EAST})
        return seconds is not None and at_least <= seconds <= at_most

    east.line.cut = True
    refused, good = west.email(), west.email()
    await west.sign_up(refused)
    await west.database["accounts"].update_one({"email": refused}, {"$set": {"home_region": "nowhere"}})
    await eventually(partial(behind, 1.5))
    await west.sign_up(good)
    east.line.cut = False
    await east.knows(good, revision=1)
    rows, put_off = west.database["replication"], {"due_at": {"$gt": utc_now() + timedelta(seconds=200)}}
    await eventually(lambda: rows.find_one(put_off))
    await eventually(partial(behind, 2.5))
    await west.database["accounts"].update_one({"email": refused}, {"$set": {"home_region": WEST}})
    await rows.update_many({}, {"$set": {"due_at": utc_now()}})
    await west.settled()
    await eventually(partial(behind, 0.0, at_most=0.0))


async def test_a_change_is_sent_again_until_it_is_acknowledged(west: Region, east: Region) -> None:
    """With every response lost an account is sent several times, applied once, and not again once one arrives."""
    east.line.lose_answers = True
    email = west.email()
    await west.sign_up(email)

    async def told_often() -> bool:
        return len(east.line.bodies) >= 4

    await eventually(told_often)
    east.line.lose_answers = False
    await west.settled()
    sent = len(east.line.bodies)
    assert (await east.entry(email))["revision"] == 1
    assert await east.database["directory"].count_documents({}) == 1
    assert len(east.line.bodies) == sent


@pytest.mark.parametrize("owner", ["lease_owner", "lease"])
async def test_replication_claimed_by_a_dead_instance_continues(west: Region, east: Region, owner: str) -> None:
    """A row is sent once the lease has ended that an instance of this release, or of the one before, had on it."""
    east.line.cut = True
    email = west.email()
    await west.sign_up(email)
    rows = west.database["replication"]
    await eventually(lambda: rows.find_one({}))
    lease = {owner: "of the dead", "due_at": utc_now() + timedelta(seconds=1)}
    await eventually(lambda: rows.find_one_and_update({"lease_owner": None}, {"$set": lease}))
    east.line.cut = False
    await east.knows(email, revision=1)
    await west.settled()


async def test_two_instances_replicate_together(west: Region, east: Region, client_of: type[Client]) -> None:
    """Sign-ups at two instances of one region, both telling: each account is known, and nothing stays queued."""
    app = create_app(west.settings)
    async with app.router.lifespan_context(app):
        emails = [west.email() for _ in range(40)]
        instances = [west.client, client_of(app)]
        body = {"password": PASSWORD}
        answers = await asyncio.gather(
            *(instances[n % 2].call("POST", "/v1/accounts", body | {"email": email}) for n, email in enumerate(emails))
        )
        assert {answer.status for answer in answers} == {201}
        for email in emails:
            await east.knows(email, home_region=WEST, revision=1)
        await west.settled()
    assert await east.database["directory"].count_documents({}) == len(emails)


async def test_an_account_that_is_refused_keeps_no_other_waiting(west: Region, east: Region) -> None:
    """The peer takes the others of the batch; the one it does not take stays queued for a later try."""
    east.line.cut = True
    good, bad = [west.email() for _ in range(5)], west.email()
    for email in [*good, bad]:
        await west.sign_up(email)
    await west.database["accounts"].update_one({"email": bad}, {"$set": {"home_region": "nowhere"}})
    rows = west.database["replication"]

    async def all_queued() -> bool:
        return bool(await rows.count_documents({}) == len(good) + 1)

    await eventually(all_queued)
    east.line.cut = False
    for email in good:
        await east.knows(email, revision=1)

    async def only_the_bad_one_is_left() -> bool:
        return [row["due_at"] > utc_now() + timedelta(seconds=200) async for row in rows.find()] == [True]

    await eventually(only_the_bad_one_is_left)
    assert await east.entry(bad) is None


async def test_accounts_older_than_the_second_region_are_introduced(
    settings: AccountsSettings, of_region: Callable[..., AccountsSettings], run: Run, database: Database
) -> None:
    """Made while the region was alone, they are known to the peer after the first start that names it."""
    async with run() as alone:
        await alone.ok("POST", "/v1/accounts", {"email": "old@example.org", "password": PASSWORD})
    assert await database["directory"].find_one({}) is None
    received: list[Any] = []
    url = f"local:{new_id()}"
    register_local_app(url, _listener(received))
    peers = of_region(settings.infra.region, {EAST: url}, infra=settings.infra)
    for _ in range(2):
        app = create_app(peers)
        async with app.router.lifespan_context(app):

            async def is_told() -> bool:
                return bool(received) and await database["replication"].find_one({}) is None

            await eventually(is_told)
    assert {entry["email_hash"] for entry in received} == {hash_email(PEPPER, "old@example.org")}
    assert (await database["directory"].find_one({}))["revision"] == 1


def _listener(received: list[Any]) -> Any:
    """A region that keeps what it receives."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        received.extend(orjson.loads((await receive())["body"])["accounts"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


async def make_admin(region: Region, client_of: type[Client]) -> Any:
    email = region.email()
    assert (await region.sign_up(email)).status == 201
    await region.database["accounts"].update_one({"email": email}, {"$set": {"role": "admin"}})
    return client_of(region.client.app, (await region.log_in(email)).json()["access_token"])
