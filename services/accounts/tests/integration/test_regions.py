"""Two regions, each with its own database, topics and instance, and a line between them that can be cut."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from docstore_accounts.app import create_app
from docstore_accounts.peers import ACCOUNTS_PATH, CLAIMS_PATH, SIGN_UPS_PATH, sign
from docstore_accounts.regions import arbiter, hash_email
from docstore_accounts.settings import AccountsSettings
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.internal import Answer, LocalTransport, register_local_app
from docstore_platform.mongo import Database, Mongo
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

WEST, EAST = "us-west-2", "ap-southeast-2"
SECRET, PEPPER = "secret of the peers", "pepper of the peers"
PASSWORD = "correct horse"


@dataclass
class Line:
    """The way to one region's gateway."""

    cut: bool = False
    lose_answers: bool = False
    fails_of_ten: int = 0
    app: Any = None
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.cut or random.randrange(10) < self.fails_of_ten:
            raise ConnectionError("cut")
        message = await receive()
        self.bodies.append(message["body"])

        async def receive_again() -> Any:
            return message

        async def drop(_: Any) -> None:
            return None

        await self.app(scope, receive_again, drop if self.lose_answers else send)


@dataclass
class Region:
    """One region as its people see it, with a look into its database."""

    name: str
    settings: AccountsSettings
    database: Database
    line: Line
    client: Any

    async def entry(self, email: str) -> Any:
        return await self.database["directory"].find_one({"_id": hash_email(PEPPER, email)})

    async def sign_up(self, email: str) -> Answer:
        answer: Answer = await self.client.call("POST", "/v1/accounts", {"email": email, "password": PASSWORD})
        return answer

    async def log_in(self, email: str) -> Answer:
        answer: Answer = await self.client.call("POST", "/v1/sessions", {"email": email, "password": PASSWORD})
        return answer

    async def accounts(self) -> int:
        return int(await self.database["accounts"].count_documents({}))

    async def everything(self) -> bytes:
        """All that the region's accounts service keeps, as one text."""
        rows = [row for name in await self.database.list_collection_names() async for row in self.database[name].find()]
        return repr(rows).encode()


def region_settings(settings: AccountsSettings, name: str, lines: dict[str, str], **changes: Any) -> AccountsSettings:
    infra = settings.infra
    corner = {
        "region": name,
        "issuer": f"docstore-{name}",
        "database_prefix": f"{infra.database_prefix}{name}_",
        "topic_prefix": f"{infra.topic_prefix}{name}.",
    }
    update = {
        "infra": infra.model_copy(update=corner),
        "peers": {peer: f"https://{peer}.example.org" for peer in (WEST, EAST) if peer != name},
        "peer_links": lines,
        "peer_secret": SecretStr(SECRET),
        "email_pepper": SecretStr(PEPPER),
        "replication_retry_seconds": 0.3,
        "replication_poll_seconds": 0.3,
    }
    return settings.model_copy(update=update | changes)


@pytest.fixture
async def regions(settings: AccountsSettings, client_of: Any) -> AsyncIterator[tuple[Region, Region]]:
    mongo = Mongo(settings.infra.mongo_url.get_secret_value(), app_name="test")
    corner = new_id()
    lines = {name: f"local:{corner}-{name}" for name in (WEST, EAST)}
    async with AsyncExitStack() as stack:
        stack.callback(mongo.close)
        found = []
        for name in (WEST, EAST):
            own = region_settings(settings, name, lines)
            app = create_app(own)
            line = Line(app=app)
            register_local_app(lines[name], line)
            await stack.enter_async_context(app.router.lifespan_context(app))
            database = mongo.database(f"{own.infra.database_prefix}accounts")
            stack.push_async_callback(mongo.drop, f"{own.infra.database_prefix}accounts")
            found.append(Region(name, own, database, line, client_of(app)))
        yield found[0], found[1]


@pytest.fixture
def west(regions: tuple[Region, Region]) -> Region:
    return regions[0]


@pytest.fixture
def east(regions: tuple[Region, Region]) -> Region:
    return regions[1]


def email_decided_in(region: str) -> str:
    """An address nobody has, of which `region` is the arbiter."""
    while True:
        email = f"ann-{new_id()[-8:]}@example.org"
        if arbiter((WEST, EAST), hash_email(PEPPER, email)) == region:
            return email


async def settled(*regions: Region) -> None:
    """Returns once no region has anything left to tell and no sign-up is open."""

    async def nothing_left() -> bool:
        for region in regions:
            for name, query in (("replication", {}), ("sign_ups", {}), ("outbox", {"state": "pending"})):
                if await region.database[name].find_one(query):
                    return False
        return True

    await eventually(nothing_left)


async def known(region: Region, email: str, **wanted: Any) -> Any:
    """The entry of an account, once the region knows it as wanted."""

    async def as_wanted() -> Any:
        entry = await region.entry(email)
        return entry if entry and all(entry[name] == value for name, value in wanted.items()) else None

    return await eventually(as_wanted)


async def test_the_minimum_of_an_account_crosses_and_nothing_more(west, east) -> None:
    """The other region knows id, e-mail hash, home, status and revision: no address, name, plan or password."""
    account = (await west.sign_up("ann@example.org")).json()
    entry = await known(east, "ann@example.org", revision=1)
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


async def test_a_login_elsewhere_is_sent_home(west, east) -> None:
    """307 to the home's public address, whatever the password: it is not known here, nor is more said."""
    await west.sign_up("Ann@Example.org")
    await known(east, "ann@example.org", revision=1)
    for password in (PASSWORD, "wrong horse"):
        answer = await east.client.call("POST", "/v1/sessions", {"email": "ann@example.ORG", "password": password})
        assert (answer.status, answer.headers["location"]) == (307, f"https://{WEST}.example.org/v1/sessions")
        assert answer.headers["cache-control"] == "no-store"
        problem = answer.json()
        assert (problem.pop("code"), problem.pop("home_region")) == ("home_region", WEST)
        assert problem.keys() == {"type", "title", "status", "detail"}
    assert (await west.log_in("ann@example.org")).status == 201
    assert (await east.log_in("bob@example.org")).json()["code"] == "invalid_credentials"


async def test_a_token_of_another_region_is_no_token(west, east, client_of) -> None:
    """401 for an access token and for a refresh token that another region made."""
    await west.sign_up("ann@example.org")
    tokens = (await west.log_in("ann@example.org")).json()
    stranger = client_of(east.client.app, tokens["access_token"])
    assert await stranger.refused("GET", "/v1/sessions") == (401, "unauthorized")
    body = {"refresh_token": tokens["refresh_token"]}
    assert await east.client.refused("POST", "/v1/sessions/refresh", body) == (401, "unauthorized")
    assert (await west.client.call("POST", "/v1/sessions/refresh", body)).status == 200


async def test_of_one_email_in_both_regions_at_once_one_account_is_made(west, east) -> None:
    """Forty rounds, three tries in each region at once: one 201, else 409 email_taken; nothing is half done."""
    emails = [f"{number}@example.org" for number in range(40)]
    winners = set()
    for email in emails:
        tries = [west, east] * 3
        random.shuffle(tries)
        answers = await asyncio.gather(*(region.sign_up(email) for region in tries))
        assert sorted(answer.status for answer in answers) == [201] + [409] * 5, email
        assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"email_taken"}
        winners.add(next(answer.json()["home_region"] for answer in answers if answer.status == 201))
    assert winners == {WEST, EAST}
    await settled(west, east)
    assert await west.accounts() + await east.accounts() == len(emails)
    for email in emails:
        assert await west.entry(email) == await east.entry(email)
        statuses = {(await region.log_in(email)).status for region in (west, east)}
        assert statuses == {201, 307}


async def test_without_the_arbiter_nobody_can_take_its_emails(west, east) -> None:
    """503 that says so and leaves nothing; e-mails decided here can be had; afterwards all can."""
    east.line.cut = True
    theirs, ours = email_decided_in(EAST), email_decided_in(WEST)
    refused = await west.sign_up(theirs)
    assert (refused.status, refused.json()["code"]) == (503, "region_unreachable")
    assert refused.headers["retry-after"] == "5"
    assert await west.accounts() == 0
    assert await west.database["sign_ups"].find_one({}) is None
    assert await west.database["outbox"].find_one({}) is None
    assert (await west.sign_up(ours)).status == 201
    east.line.cut = False
    assert (await west.sign_up(theirs)).status == 201
    await settled(west, east)


async def test_an_answer_that_is_lost_leaves_the_email_free(west, east) -> None:
    """The arbiter granted it, but nobody heard: the next one gets the e-mail, in either region."""
    for again in (west, east):
        email = email_decided_in(EAST)
        east.line.lose_answers = True
        assert (await west.sign_up(email)).status == 503
        east.line.lose_answers = False
        assert (await east.entry(email))["revision"] == 0
        assert (await again.sign_up(email)).status == 201
        assert (await known(west, email, revision=1))["home_region"] == again.name


async def test_a_claim_whose_region_is_away_is_not_given_to_another(west, east) -> None:
    """Whether its sign-up made an account only that region knows: 503 until it answers, however long that takes."""
    email = email_decided_in(EAST)
    east.line.lose_answers = True
    assert (await west.sign_up(email)).status == 503
    east.line.lose_answers, west.line.cut = False, True
    assert (await east.sign_up(email)).json()["code"] == "region_unreachable"
    west.line.cut = False
    assert (await east.sign_up(email)).status == 201


async def test_a_region_that_was_cut_off_hears_the_newest_state(west, east, client_of) -> None:
    """Sign-ups and suspensions during the outage arrive after it, also when half of all calls fail first."""
    east.line.cut = True
    emails = [email_decided_in(WEST) for _ in range(30)]
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
        await known(east, email, **state)
    await settled(west, east)


async def test_news_is_told_again_until_its_receipt_is_heard(west, east) -> None:
    """With every answer lost an account is told several times, applied once, and told no more once one is heard."""
    east.line.lose_answers = True
    email = email_decided_in(WEST)
    await west.sign_up(email)

    async def told_often() -> bool:
        return len(east.line.bodies) >= 4

    await eventually(told_often)
    east.line.lose_answers = False
    await settled(west)
    told = len(east.line.bodies)
    assert (await east.entry(email))["revision"] == 1
    assert await east.database["directory"].count_documents({}) == 1
    assert len(east.line.bodies) == told


async def test_what_a_dead_instance_had_taken_is_told_by_another(west, east) -> None:
    """A row under somebody's lease is told once the lease has ended."""
    east.line.cut = True
    email = email_decided_in(WEST)
    await west.sign_up(email)
    rows = west.database["replication"]
    await eventually(lambda: rows.find_one({}))
    lease = {"lease": "of the dead", "due_at": utc_now() + timedelta(seconds=1)}
    await eventually(lambda: rows.find_one_and_update({"lease": ""}, {"$set": lease}))
    east.line.cut = False
    await known(east, email, revision=1)
    await settled(west)


async def test_two_instances_tell_together(west, east, client_of) -> None:
    """Sign-ups at two instances of one region, both telling: each account is known, and nothing stays queued."""
    app = create_app(west.settings)
    async with app.router.lifespan_context(app):
        emails = [email_decided_in(WEST) for _ in range(40)]
        instances = [west.client, client_of(app)]
        body = {"password": PASSWORD}
        answers = await asyncio.gather(
            *(instances[n % 2].call("POST", "/v1/accounts", body | {"email": email}) for n, email in enumerate(emails))
        )
        assert {answer.status for answer in answers} == {201}
        for email in emails:
            await known(east, email, home_region=WEST, revision=1)
        await settled(west)
    assert await east.database["directory"].count_documents({}) == len(emails)


async def test_an_account_that_is_refused_keeps_no_other_waiting(west, east) -> None:
    """The peer takes the others of the batch; the one it does not take stays queued for a later try."""
    east.line.cut = True
    good, bad = [email_decided_in(WEST) for _ in range(5)], email_decided_in(WEST)
    for email in [*good, bad]:
        await west.sign_up(email)
    await west.database["accounts"].update_one({"email": bad}, {"$set": {"home_region": "nowhere"}})
    rows = west.database["replication"]

    async def all_queued() -> bool:
        return bool(await rows.count_documents({}) == len(good) + 1)

    await eventually(all_queued)
    east.line.cut = False
    for email in good:
        await known(east, email, revision=1)

    async def only_the_bad_one_is_left() -> bool:
        return [row["due_at"] > utc_now() + timedelta(seconds=200) async for row in rows.find()] == [True]

    await eventually(only_the_bad_one_is_left)
    assert await east.entry(bad) is None


async def test_accounts_older_than_the_second_region_are_introduced(settings, client_of, run, database) -> None:
    """Made while the region was alone, they are known to the peer after the first start that names it."""
    async with run() as alone:
        await alone.ok("POST", "/v1/accounts", {"email": "old@example.org", "password": PASSWORD})
    assert await database["directory"].find_one({}) is None
    heard: list[Any] = []
    line = Line(app=_listener(heard))
    url = f"local:{new_id()}"
    register_local_app(url, line)
    peers = region_settings(settings, settings.infra.region, {EAST: url}, infra=settings.infra)
    for _ in range(2):
        app = create_app(peers)
        async with app.router.lifespan_context(app):

            async def is_told() -> bool:
                return bool(heard) and await database["replication"].find_one({}) is None

            await eventually(is_told)
    assert {entry["email_hash"] for entry in heard} == {hash_email(PEPPER, "old@example.org")}
    assert (await database["directory"].find_one({}))["revision"] == 1


def _listener(heard: list[Any]) -> Any:
    """A peer that notes what it is told."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend(orjson.loads((await receive())["body"])["accounts"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


async def make_admin(region: Region, client_of: Any) -> Any:
    email = email_decided_in(region.name)
    assert (await region.sign_up(email)).status == 201
    await region.database["accounts"].update_one({"email": email}, {"$set": {"role": "admin"}})
    return client_of(region.client.app, (await region.log_in(email)).json()["access_token"])


FORGERIES: dict[str, dict[str, Any]] = {
    "unsigned": {"signature": ""},
    "wrong secret": {"secret": "secret of somebody else"},
    "for another region": {"receiver": WEST},
    "for another route": {"path": CLAIMS_PATH},
    "of a stranger": {"sender": "eu-north-1"},
    "an hour old": {"age": 3600},
    "of the future": {"age": -3600},
    "another body": {"body": b"{}"},
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_call_changes_nothing(east, forgery: str) -> None:
    """401 for each; the same call, rightly signed, is heard."""
    account = {"account_id": new_id(), "email_hash": "a" * 64, "home_region": WEST, "status": "active", "revision": 1}
    body = orjson.dumps({"accounts": [account]})

    async def post(**forged: Any) -> int:
        time = str(int(utc_now().timestamp()) - forged.get("age", 0))
        sender = forged.get("sender", WEST)
        signature = sign(
            forged.get("secret", SECRET),
            path=forged.get("path", ACCOUNTS_PATH),
            sender=sender,
            receiver=forged.get("receiver", EAST),
            time=time,
            body=forged.get("body", body),
        )
        signature = forged.get("signature", signature)
        headers = {"x-docstore-region": sender, "x-docstore-time": time, "x-docstore-signature": signature}
        return (await LocalTransport(east.client.url).send("POST", ACCOUNTS_PATH, headers, body)).status

    assert await post(**FORGERIES[forgery]) == 401
    assert await east.database["directory"].find_one({}) is None
    assert await post() == 200
    assert await east.database["directory"].count_documents({}) == 1


@pytest.mark.parametrize("change", [{"home_region": EAST}, {"revision": 0}, {"status": "admin"}, {"email_hash": "x"}])
async def test_a_region_speaks_of_its_own_accounts_in_due_form(east, change: dict[str, Any]) -> None:
    """422, and nothing is taken in."""
    account = {"account_id": new_id(), "email_hash": "a" * 64, "home_region": WEST, "status": "active", "revision": 1}
    body = orjson.dumps({"accounts": [account | change]})
    time = str(int(utc_now().timestamp()))
    signature = sign(SECRET, path=ACCOUNTS_PATH, sender=WEST, receiver=EAST, time=time, body=body)
    headers = {"x-docstore-region": WEST, "x-docstore-time": time, "x-docstore-signature": signature}
    answer = await LocalTransport(east.client.url).send("POST", ACCOUNTS_PATH, headers, body)
    assert answer.status == 422
    assert await east.database["directory"].find_one({}) is None


async def test_a_call_of_a_stranger_is_not_read_beyond_reason(east) -> None:
    """413 for a body that no region would send, before any of it is hashed."""
    headers = {"content-length": str(2 << 20)}
    answer = await LocalTransport(east.client.url).send("POST", ACCOUNTS_PATH, headers, b"{}")
    assert answer.status == 413


async def test_a_region_on_its_own_has_no_such_routes(client) -> None:
    """404 for all three, signed or not."""
    for path in (ACCOUNTS_PATH, CLAIMS_PATH, SIGN_UPS_PATH):
        assert await client.refused("POST", path, {}) == (404, "not_found")
