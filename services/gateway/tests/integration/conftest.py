"""A fake journal, logins to it, events on a real broker, and clients that wait."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from docstore_events.envelope import seal
from docstore_events.event import Event
from docstore_platform.http.paging import change_cursor, decode_cursor
from docstore_platform.http.problems import Problem
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually
from docstore_work.wakeup import wake


def described(name: str) -> dict[str, Any]:
    """A file as the API describes it."""
    return {
        "id": name,
        "kind": "file",
        "name": name,
        "path": f"/{name}",
        "parent_id": "p",
        "size": 1,
        "version": 1,
        "content_type": "text/plain",
        "sha256": "0" * 64,
        "tags": [],
        "owner_id": "ann",
        "permission": "owner",
        "created_at": "2026-01-01T00:00:00Z",
        "modified_at": "2026-01-01T00:00:00Z",
        "client_modified_at": None,
        "modified_by": "ann",
        "etag": "1",
        "indexed": False,
        "preview": False,
    }


@dataclass
class FakeJournal:
    """Journals as metadata answers them, of accounts by name. Counts how often it is read."""

    service: Any
    bearer: dict[str, str] = field(default_factory=dict)
    entries: dict[str, list[str]] = field(default_factory=dict)
    reads: int = 0
    heads: int = 0
    kept_from: int = 0
    status: int = 200

    async def behave(self, request: Any) -> Any:
        if request.path == "/internal/journals/heads":
            self.heads += 1
            accounts = orjson.loads(request.body)["accounts"]
            heads = {account: change_cursor(account, len(self.entries.get(account, ()))) for account in accounts}
            return await self._reply({"heads": heads})
        assert request.path == "/v1/changes"
        assert "wait" not in request.query
        self.reads += 1
        if self.status != 200:
            return await self._refuse(Problem(self.status, "refused", "Not this time."))
        account = self.bearer[request.header("authorization")]
        entries = self.entries.setdefault(account, [])
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        cursor = query.get("cursor", "")
        after = len(entries) if cursor == "latest" else decode_cursor(cursor, str, int)[1] if cursor else 0
        if after < self.kept_from:
            return await self._refuse(Problem(410, "cursor_expired", "These changes are not kept any more."))
        page = entries[after : after + 2]
        changes = [{"seq": after + n, "type": "created", "file": described(name)} for n, name in enumerate(page, 1)]
        end = after + len(page)
        body = {"changes": changes, "cursor": change_cursor(account, end), "has_more": end < len(entries)}
        return await self._reply(body)

    async def _reply(self, body: Any) -> Any:
        reply = await type(self.service)._answer_ok(self.service, None)
        reply.body = orjson.dumps(body)
        return reply

    async def _refuse(self, problem: Problem) -> Any:
        reply = await self._reply(problem.body())
        reply.status = problem.status
        reply.headers |= {"content-type": "application/problem+json"}
        return reply


@pytest.fixture
def journal(service: Any) -> FakeJournal:
    journal = FakeJournal(service)
    service.behave = journal.behave
    return journal


@pytest.fixture
def login(journal: FakeJournal, issuer: Any) -> Callable[..., dict[str, str]]:
    def log_in(account: str = "ann", **claims: Any) -> dict[str, str]:
        headers: dict[str, str] = issuer.bearer(account, **claims)
        journal.bearer[headers["authorization"]] = account
        return headers

    return log_in


@pytest.fixture
async def publish(infra: InfraSettings) -> AsyncIterator[Callable[..., Any]]:
    """Sends an event as a service's relay does."""
    producer = AIOKafkaProducer(bootstrap_servers=infra.kafka_bootstrap)
    await producer.start()

    async def send(event: Event) -> None:
        envelope = seal(event, source="test", traceparent=None)
        topic = infra.topic_prefix + event.topic
        value = event.model_dump_json().encode()
        await producer.send_and_wait(topic, value, key=event.key().encode(), headers=envelope.headers())
        wake(topic)

    yield send
    await producer.stop()


class Waiters:
    """Those who wait at gateways, seen from inside."""

    def number(self, gateway: Any) -> int:
        return len(gateway.app.state.edge._waiting)

    async def become(self, number: int, *gateways: Any) -> None:
        """Once so many are registered at each, and have read that there is nothing."""

        async def are_there() -> bool:
            return all(self._settled(gateway) == (number, number) for gateway in gateways)

        await eventually(are_there)

    def _settled(self, gateway: Any) -> tuple[int, int]:
        waiters = [w for some in gateway.app.state.edge._waiting._waiters.values() for w in some]
        return len(waiters), sum(1 for waiter in waiters if waiter.cursor)

    async def happens(self, fact: Callable[[], Any]) -> None:
        async def has_happened() -> bool:
            return bool(fact())

        await eventually(has_happened)


@pytest.fixture
def waiters() -> Waiters:
    return Waiters()


class Stream:
    """A client of the event stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> dict[str, str]:
        """The next event; comments are passed over, the end is an empty one."""
        event: dict[str, str] = {}
        while line := (await self._response.content.readline()).decode():
            name, _, value = line.rstrip("\n").partition(":")
            if line != "\n":
                event[name] = value.removeprefix(" ")
            elif "event" in event:
                return event
            else:
                event = {}
        return {}

    async def names(self, number: int) -> list[str]:
        return [orjson.loads((await self.next())["data"])["file"]["name"] for _ in range(number)]


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


@pytest.fixture
def events(client: aiohttp.ClientSession) -> Callable[..., Any]:
    """Opens a stream: `async with events(address, headers, last_event_id=...) as stream`."""

    @asynccontextmanager
    async def open_stream(address: str, headers: dict[str, str], **params: str) -> AsyncIterator[Stream]:
        async with client.get(f"{address}/v1/events", headers=headers, params=params) as response:
            assert response.status == 200, await response.text()
            assert response.headers["content-type"].startswith("text/event-stream")
            yield Stream(response)

    return open_stream
