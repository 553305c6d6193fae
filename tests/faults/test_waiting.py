"""Clients that wait for changes miss none when services are killed, in one process and in several."""

import asyncio
import signal

import aiohttp
import pytest
from people import Person
from stacks import RETURN_SECONDS, DetachedStack

from docstore_cli.api import ApiError
from docstore_platform.testing import eventually

pytestmark = [pytest.mark.connected, pytest.mark.faults]
FAILURES = (ApiError, aiohttp.ClientError, TimeoutError)


class Follower:
    """Polls for changes, and goes on from its cursor after any failure."""

    def __init__(self, person: Person) -> None:
        self.names: list[str] = []
        self._person = person
        self._cursor = ""

    async def follow(self) -> None:
        while True:
            try:
                page = await self._person.call("GET", f"/v1/changes?wait=30&cursor={self._cursor}")
            except FAILURES:
                await asyncio.sleep(0.2)
                continue
            self.names += [change["file"]["name"] for change in page["changes"]]
            self._cursor = page["cursor"]

    async def has(self, *names: str) -> None:
        async def has_them() -> bool:
            return len(self.names) >= len(names)

        await eventually(has_them, seconds=RETURN_SECONDS)
        assert self.names == list(names)


async def make_folder(person: Person, name: str) -> None:
    """However often it takes: making it twice is making it once."""

    async def made() -> bool:
        try:
            await person.call("POST", "/v1/folders", {"path": f"/{name}"})
        except FAILURES:
            return False
        return True

    await eventually(made, seconds=RETURN_SECONDS, every=0.2)


async def kill_each(stack: DetachedStack, parts: list[str]) -> None:
    """While someone waits: each part killed in turn, a change after each; all of them arrive once, in order."""
    async with await Person.new(stack.gateway) as person:
        follower = Follower(person)
        task = asyncio.create_task(follower.follow())
        try:
            made: list[str] = []
            for number, part in enumerate(["none", *parts]):
                if part != "none":
                    stack.process(part).send_signal(signal.SIGKILL)
                made.append(f"{number} after {part}")
                await make_folder(person, made[-1])
                await follower.has(*made)
        finally:
            task.cancel()


async def test_a_poll_outlives_whatever_is_killed(stack: DetachedStack) -> None:
    """All services in one process: the broker, the database, the services themselves."""
    await kill_each(stack, ["broker", "mongod", "services"])


async def test_services_in_processes_of_their_own_wake_each_other_s_waiters(stack_of_processes: DetachedStack) -> None:
    """The gateway learns of changes over the broker alone; it, metadata and the broker are killed."""
    await kill_each(stack_of_processes, ["metadata", "broker", "gateway"])
