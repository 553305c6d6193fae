"""Two stacks of `docstore up --regions`, with connections that can be cut."""

import asyncio
import json
import random
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from breakable_connection import BreakableConnection
from drills import until
from people import PASSWORD, Person
from runbook_pages import Drill
from stacks import SHORT_WAITS, DetachedStack, processes_of, run

from docstore_accounts.regions.rules import arbiter, hash_email
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Mongo
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.testing import eventually
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.mongo_users import operator_url
from docstore_standalone.state import read_state

pytestmark = [pytest.mark.connected, pytest.mark.faults]

WEST, EAST = "us-west-2", "ap-southeast-2"
CANARY = "canary in the west"
TEN_MINUTES = 600_000
"""In milliseconds."""


@dataclass
class Region:
    stack: DetachedStack
    line: BreakableConnection
    """By which the other region reaches this one."""
    mongo: Mongo
    pepper: str

    @property
    def name(self) -> str:
        return self.stack.region

    async def entry(self, email: str) -> Any:
        """What this region knows of an e-mail."""
        directory = self.mongo.database("docstore_accounts")["directory"]
        return await directory.find_one({"_id": hash_email(self.pepper, email)})

    async def knows(self, email: str, **wanted: Any) -> Any:
        """The entry, once it is as wanted."""

        async def as_wanted() -> Any:
            entry = await self.entry(email)
            return entry if entry and all(entry[name] == value for name, value in wanted.items()) else None

        return await eventually(as_wanted)

    async def sign_up(self, email: str) -> tuple[int, str]:
        """Status and the code of a refusal."""
        async with Person(self.stack.gateway) as person:
            answer = await person.ask("POST", "/v1/accounts", {"email": email, "password": PASSWORD})
            return answer.status, answer.json().get("code", "")

    async def everything(self) -> bytes:
        """All rows of all services' databases, as one text."""
        rows: list[Any] = []
        for database in (self.mongo.database(f"docstore_{name}") for name in SERVICE_NAMES):
            for collection in await database.list_collection_names():
                rows += await database[collection].find().to_list(None)
        return repr(rows).encode()

    def email(self) -> str:
        """An address no one has, of which this region decides who gets it."""
        while True:
            email = f"ann-{new_id()[-10:]}@example.org"
            if arbiter((WEST, EAST), hash_email(self.pepper, email)) == self.name:
                return email


def two_ports() -> int:
    """The first of two neighbouring ports that are free, below those of outgoing connections and of servers."""
    while True:
        first = random.randrange(10_000, 19_000)
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind(("127.0.0.1", first))
                other.bind(("127.0.0.1", first + 1))
            except OSError:
                continue
            return first


@pytest.fixture(scope="module")
async def regions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Region, Region]]:
    data, port = tmp_path_factory.mktemp("regions"), two_ports()
    async with AsyncExitStack() as closing:
        lines = {
            name: await closing.enter_async_context(BreakableConnection(port + number).listening())
            for number, name in enumerate((WEST, EAST))
        }
        links = {name: f"http://127.0.0.1:{line.port}" for name, line in lines.items()}
        environment = {
            **SHORT_WAITS,
            "ACCOUNTS_PEER_LINKS": json.dumps(links),
            "ACCOUNTS_REPLICATION_RETRY_DELAY_SECONDS": "1",
            "ACCOUNTS_REPLICATION_LEASE_SECONDS": "3",
            "ACCOUNTS_REPLICATION_INTERVAL_SECONDS": "1",
            "ACCOUNTS_REGION_PROBE_INTERVAL_SECONDS": "0.5",
        }
        arguments = ["--data", str(data), "--port", str(port), "--regions", f"{WEST},{EAST}"]
        status, output = await run("up", "--detach", *arguments, environment=environment)
        assert status == 0, output
        closing.push_async_callback(run, "down", "--data", str(data))
        found = []
        for name, line in lines.items():
            stack = DetachedStack(data / name, environment, region=name)
            mongo = Mongo(
                operator_url(read_state(data / name).addresses["mongodb"], load_credentials(data / name)),
                app_name="test",
            )
            closing.callback(mongo.close)
            found.append(Region(stack, line, mongo, load_credentials(data).email_pepper))
        yield found[0], found[1]
    assert processes_of(data) == []


@pytest.fixture
def west(regions: tuple[Region, Region]) -> Region:
    return regions[0]


@pytest.fixture
def east(regions: tuple[Region, Region]) -> Region:
    return regions[1]


async def test_status_shows_every_region(west: Region, east: Region) -> None:
    """Gateways, parts and memory of both; the buckets carry their region's name; ports are all different."""
    status, output = await run("status", "--data", str(west.stack.data.parent), "--json")
    report = orjson.loads(output)
    assert (status, report["state"]) == (0, "running")
    assert [region["region"] for region in report["regions"]] == [WEST, EAST]
    assert [region["gateway"] for region in report["regions"]] == [west.stack.gateway, east.stack.gateway]
    addresses = [address for region in report["regions"] for address in set(region["addresses"].values())]
    assert len(addresses) == len(set(addresses))
    for region in (west, east):
        assert region.stack.bucket.name == f"docstore-content-{region.name}"
        assert await region.stack.bucket.keys("nobody") == []


async def test_a_client_chooses_among_regions(west: Region, east: Region) -> None:
    """Each region lists both with what it measured; the command measures from here; a cut-off region shows."""
    status, output = await run("regions", "--server", west.stack.gateway, "--json")
    listed = orjson.loads(output)
    assert (status, {region["name"]: region["url"] for region in listed}) == (
        0,
        {WEST: west.stack.gateway, EAST: east.stack.gateway},
    )
    assert all(region["latency_from_here_ms"] < 3_000 for region in listed)

    async def seen(**wanted: object) -> Any:
        async with Person(west.stack.gateway) as visitor:
            items = (await visitor.call("GET", "/v1/regions"))["items"]
        other = next(item for item in items if item["name"] == EAST)
        return other if all(other[name] == value for name, value in wanted.items()) else None

    reached = await eventually(lambda: seen(reachable=True))
    assert reached["latency_ms"] > 0
    assert not reached["current"]
    east.line.cut = True
    east.line.break_off()
    try:
        assert (await eventually(lambda: seen(reachable=False)))["latency_ms"] is None
    finally:
        east.line.cut = False
    await eventually(lambda: seen(reachable=True))


async def test_one_logs_in_anywhere_and_works_at_home(west: Region, east: Region) -> None:
    """A person of the west who turns to the east is sent home; with the token of home the east lets no one in."""
    async with await Person.new(west.stack.gateway) as ada, Person(east.stack.gateway) as same:
        await east.knows(ada.email, home_region=WEST, revision=1)
        await same.log_in(ada.email, PASSWORD)
        assert same.gateway == west.stack.gateway
        assert (await same.call("GET", "/v1/me"))["id"] == ada.id
        same.gateway = east.stack.gateway
        assert await same.refused("GET", "/v1/me") == (401, "unauthorized")
        with pytest.raises(AssertionError, match="invalid_credentials"):
            await _log_in(same, "nobody@example.org")


async def _log_in(person: Person, email: str) -> None:
    answer = await person.ask("POST", "/v1/sessions", {"email": email, "password": PASSWORD})
    assert answer.status == 201, answer.body


async def test_content_stays_in_its_region(west: Region, east: Region) -> None:
    """Bytes, names and tags of a file are in no bucket, database or index of the other region; nor is the e-mail."""
    async with await Person.new(west.stack.gateway, "canary") as ada:
        await ada.choose("premium")
        text = f"{CANARY} {new_id()}".encode()
        await ada.upload(f"/{CANARY}.txt", text, tags=[CANARY])
        await ada.found(CANARY, f"/{CANARY}.txt", **{"in": "content"})
        await east.knows(ada.email, home_region=WEST)
        assert await east.stack.bucket.keys(ada.id) == []
        assert len(await west.stack.bucket.keys(ada.id)) == 1
        kept_there, kept_here = await east.everything(), await west.everything()
        assert CANARY.encode() in kept_here
        assert ada.email.encode() in kept_here
        assert CANARY.encode() not in kept_there
        assert ada.email.encode() not in kept_there
        assert kept_there.count(ada.id.encode()) == 1
        assert not any(b"canary" in file.read_bytes() for file in (east.stack.data / "index").rglob("*.*"))


async def test_concurrent_sign_ups_at_both_gateways_make_one_account(west: Region, east: Region) -> None:
    """Thirty rounds of two in each region: one 201, else 409 email_taken; the loser's region sends log-ins home."""
    homes = set()
    for _ in range(30):
        email = random.choice((west, east)).email()
        tries = [west, east, west, east]
        random.shuffle(tries)
        answers = await asyncio.gather(*(region.sign_up(email) for region in tries))
        assert sorted(answers) == [(201, ""), *[(409, "email_taken")] * 3]
        home = tries[answers.index((201, ""))]
        homes.add(home.name)
        for region in (west, east):
            await region.knows(email, home_region=home.name, revision=1)
    assert homes == {WEST, EAST}


async def test_states_arrive_in_order(west: Region, east: Region) -> None:
    """Suspended, active, suspended, …: whoever watches the other region never sees an older state after a newer."""
    async with await Person.new(west.stack.gateway) as ada, Person(west.stack.gateway) as admin:
        await admin.log_in(west.stack.state.addresses["admin"], west.stack.admin_password)
        seen: list[tuple[int, str]] = []
        done = asyncio.Event()

        async def watch() -> None:
            while not done.is_set():
                entry = await east.entry(ada.email)
                if entry and (not seen or seen[-1] != (entry["revision"], entry["status"])):
                    seen.append((entry["revision"], entry["status"]))

        watching = asyncio.create_task(watch())
        await east.knows(ada.email, revision=1)
        for number in range(15):
            status = "active" if number % 2 else "suspended"
            await admin.call("PATCH", f"/v1/admin/accounts/{ada.id}", {"status": status})
        await east.knows(ada.email, revision=16, status="suspended")
        done.set()
        await watching
        assert seen == sorted(seen)
        assert {status for revision, status in seen if revision % 2} == {"active"}


async def test_a_region_cut_off_in_mid_replication_catches_up(west: Region, east: Region) -> None:
    """Connections broken while accounts are replicated, both regions' services killed: nothing is lost.

    The alert fires when they have waited for too long, and ends.
    """
    drill = Drill("PeerBehind")
    queue = west.mongo.database("docstore_accounts")["replication"]
    made: list[str] = []

    async def sign_up(number: int) -> None:
        for _ in range(number):
            email = west.email()
            assert await west.sign_up(email) == (201, "")
            made.append(email)

    await sign_up(20)
    for line in (west.line, east.line):
        line.cut = True
        line.break_off()
    await sign_up(20)
    refused = east.email()
    assert await west.sign_up(refused) == (503, "region_unreachable")
    assert await east.entry(made[-1]) is None
    await eventually(queue.find_one)
    await queue.update_many({}, [{"$set": {"since": {"$subtract": ["$since", TEN_MINUTES]}}}])
    await until(drill, west.stack, firing=True)
    killed = [(region, await region.stack.kill("services")) for region in (west, east)]
    for region, process in killed:
        await region.stack.returned("services", process)
        await _ready(region)
    for line in (west.line, east.line):
        line.cut = False
    for email in made:
        await east.knows(email, home_region=WEST, status="active", revision=1)
    assert await west.sign_up(refused) == (201, "")
    await east.knows(refused, home_region=WEST, revision=1)

    async def empty() -> bool:
        return await queue.find_one({}) is None

    await eventually(empty)
    await until(drill, west.stack, firing=False)


async def _ready(region: Region) -> None:
    async def answers() -> bool:
        async with Person(region.stack.gateway) as person:
            try:
                return (await person.ask("GET", "/readyz")).status == 200
            except OSError:
                return False

    await eventually(answers, every=0.1)


async def test_ctrl_c_ends_every_region(west: Region, east: Region) -> None:
    """One SIGINT to the command: both stacks stop, no process is left, and the folder is not taken for one stack's."""
    data = west.stack.data.parent
    supervisor = read_state(data).supervisor
    assert supervisor is not None
    process = supervisor.find()
    assert process is not None
    process.send_signal(signal.SIGINT)

    async def all_gone() -> bool:
        return supervisor.find() is None and not processes_of(data)

    await eventually(all_gone, every=0.2)
    status, output = await run("status", "--data", str(data), "--json")
    assert (status, orjson.loads(output)["state"]) == (3, "stopped")
    status, output = await run("up", "--data", str(data))
    assert status == 1
    assert f"--regions {WEST},{EAST}" in output
