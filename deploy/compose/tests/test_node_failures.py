"""Any one node of MongoDB or Kafka can fail while files are uploaded: run by test-three-nodes.sh."""

import asyncio
import json
import os
import shlex
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from people import Person

from docstore_platform.testing import eventually

COMPOSE = shlex.split(os.environ.get("DOCSTORE_E2E_NODES", ""))
"""The command of Compose with the options of the running project."""
GATEWAY = os.environ.get("DOCSTORE_E2E_URL", "")
BROKERS = ("kafka", "kafka-2", "kafka-3")
AWAY_SECONDS = 60
"""How long uploads may fail: an election takes about 10 s, and a request in flight its time limit."""

pytestmark = [
    pytest.mark.connected,
    pytest.mark.skipif(
        not COMPOSE, reason="needs a running project of three nodes (deploy/compose/test-three-nodes.sh)"
    ),
]


async def run(*arguments: str) -> str:
    """Output of a command of Compose."""
    process = await asyncio.create_subprocess_exec(
        *COMPOSE, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, errors.decode()
    return output.decode()


MEMBER_STATES = """
import json, os, pymongo
client = pymongo.MongoClient("mongodb://mongo,mongo-2,mongo-3/?replicaSet=rs0", username="admin",
                             password=os.environ["PROVISION_ADMIN_PASSWORD"], serverSelectionTimeoutMS=20000)
members = client.admin.command("replSetGetStatus")["members"]
print(json.dumps({each["name"].partition(":")[0]: each["stateStr"] for each in members}))
"""


async def states() -> dict[str, str]:
    """State of each member of the replica set, as its primary sees it."""
    output = await run("run", "--rm", "--no-deps", "-T", "provision", "python", "-c", MEMBER_STATES)
    found: dict[str, str] = json.loads(output.strip().splitlines()[-1])
    return found


async def all_members_serve() -> bool:
    return sorted((await states()).values()) == ["PRIMARY", "SECONDARY", "SECONDARY"]


class Uploads:
    """Uploads one small file after another, and keeps what was acknowledged."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self.acknowledged: dict[str, bytes] = {}
        self.ids: dict[str, str] = {}

    async def run(self) -> None:
        number = 0
        while True:
            number += 1
            path, content = f"/work/file {number}.txt", f"content {number}".encode()
            with suppress(Exception):  # not acknowledged: it may exist or not
                file = await self._person.upload(path, content)
                self.acknowledged[path], self.ids[path] = content, file["id"]
            await asyncio.sleep(0.1)

    async def go_on(self) -> float:
        """Return the seconds until five more uploads are acknowledged."""
        began, enough = time.monotonic(), len(self.acknowledged) + 5

        async def acknowledged() -> bool:
            return len(self.acknowledged) >= enough

        await eventually(acknowledged, seconds=AWAY_SECONDS)
        return time.monotonic() - began

    async def are_searchable(self) -> None:
        """Return once search has all that are acknowledged by now, by events through Kafka."""
        expected = len(self.acknowledged)

        async def searchable() -> bool:
            answer = await self._person.call("GET", "/v1/search?q=file&limit=1")
            return int(answer["total"]) >= expected

        await eventually(searchable)


@pytest.fixture
async def person() -> AsyncIterator[Person]:
    async with await Person.new(GATEWAY) as found:
        yield found


async def victim_of(kind: str) -> str:
    """The primary of MongoDB, or the named node of Kafka."""
    if kind != "primary":
        return kind
    return next(name for name, state in (await states()).items() if state == "PRIMARY")


@pytest.mark.parametrize("kind", ["primary", *BROKERS])
async def test_a_node_fails_and_comes_back(person: Person, kind: str) -> None:
    """Uploads go on without it, events too; nothing acknowledged is lost; and it joins the others again."""
    await eventually(all_members_serve)
    uploads = Uploads(person)
    working = asyncio.create_task(uploads.run())
    try:
        await uploads.go_on()
        victim = await victim_of(kind)
        await run("kill", victim)
        try:
            seconds = await uploads.go_on()
            await uploads.are_searchable()
            print(f"{victim} killed: five more uploads acknowledged after {seconds:.1f} s")
        finally:
            await run("start", victim)
        await uploads.go_on()
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    for path, content in uploads.acknowledged.items():
        assert await person.content(uploads.ids[path]) == content
    await eventually(all_members_serve)
