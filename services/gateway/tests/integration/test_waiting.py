"""Waiting for changes: long polls and streams, woken by events from a real broker; the journal is a fake."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from docstore_events.envelope import seal
from docstore_events.event import Event
from docstore_events.files import FileCreated, FileState
from docstore_events.notifications import NotificationSent
from docstore_events.shares import FileShared
from docstore_events.wakeup import wake
from docstore_platform.paging import change_cursor, decode_cursor
from docstore_platform.settings import InfraSettings
from docstore_platform.stopping import announce_stopping
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
NOW = datetime(2026, 11, 21, tzinfo=UTC)


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
            return await self._reply({}, self.status)
        account = self.bearer[request.header("authorization")]
        entries = self.entries.setdefault(account, [])
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        cursor = query.get("cursor", "")
        after = len(entries) if cursor == "latest" else decode_cursor(cursor, str, int)[1] if cursor else 0
        if after < self.kept_from:
            return await self._reply({"code": "cursor_expired"}, 410)
        page = entries[after : after + 2]
        changes = [{"seq": after + n, "type": "created", "file": {"name": name}} for n, name in enumerate(page, 1)]
        end = after + len(page)
        body = {"changes": changes, "cursor": change_cursor(account, end), "has_more": end < len(entries)}
        return await self._reply(body)

    async def _reply(self, body: Any, status: int = 200) -> Any:
        reply = await type(self.service)._answer_ok(self.service, None)
        reply.status, reply.body = status, orjson.dumps(body)
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


def created(owner: str, *readers: str) -> FileCreated:
    file = FileState(
        file_id="f1", owner_id=owner, parent_id="p", kind="file", name="a.txt", size=1, content_type="", sha256="",
        version=1, created_at=NOW, modified_at=NOW, modified_by=owner, readers=readers,
    )  # fmt: skip
    return FileCreated(revision=1, file=file, path="/a.txt", actor_id=owner)


def waiting_at(gateway: Any) -> Any:
    return gateway.app.state.edge._waiting


async def all_wait(gateway: Any, number: int = 1) -> None:
    """Once so many are registered and have read that there is nothing."""

    async def are_there() -> bool:
        waiters = [w for some in waiting_at(gateway)._waiters.values() for w in some]
        return len(waiters) == number and all(waiter.cursor for waiter in waiters)

    await eventually(are_there)


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


@asynccontextmanager
async def events(
    client: aiohttp.ClientSession, address: str, headers: dict[str, str], **params: str
) -> AsyncIterator[Stream]:
    async with client.get(f"{address}/v1/events", headers=headers, params=params) as response:
        assert response.status == 200, await response.text()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


async def test_a_poll_is_answered_when_a_change_is_heard_of(
    open_gateway: Any, listening: Any, journal: FakeJournal, login: Any, client: Any, publish: Any
) -> None:
    """Owner and reader, at two gateways: both wait, both are woken by one event, long before their time is up."""
    async with (
        open_gateway(journal_check_seconds=1000.0) as one,
        open_gateway(journal_check_seconds=1000.0) as two,
        listening(one.app) as first,
        listening(two.app) as second,
    ):
        polls = [
            asyncio.create_task(client.get(f"{address}/v1/changes?wait=50&limit=10", headers=login(account)))
            for address, account in ((first, "ann"), (second, "bob"))
        ]
        await all_wait(one)
        await all_wait(two)
        journal.entries |= {"ann": ["a.txt"], "bob": ["a.txt"]}
        await eventually(lambda: _published_until_done(publish, created("ann", "bob"), polls))
        for poll in polls:
            page = await (await poll).json()
            assert [change["file"]["name"] for change in page["changes"]] == ["a.txt"]
        assert len(waiting_at(one)) == len(waiting_at(two)) == 0


async def _published_until_done(publish: Any, event: Event, polls: list[Any]) -> bool:
    """The broadcast may begin after the first: an event is said until it is heard."""
    await publish(event)
    _, pending = await asyncio.wait(polls, timeout=1)
    return not pending


async def test_a_poll_does_not_wait_for_what_is_there(
    open_gateway: Any, listening: Any, journal: FakeJournal, login: Any, client: Any
) -> None:
    """Changes are answered at once; without `wait`, so is nothing; when the time is up, nothing and the cursor are."""
    async with open_gateway() as gateway, listening(gateway.app) as address:
        journal.entries["ann"] = ["a", "b", "c"]
        headers = login()
        page = await (await client.get(f"{address}/v1/changes?wait=60", headers=headers)).json()
        assert page["has_more"]
        assert len(page["changes"]) == 2
        cursor = change_cursor("ann", 3)
        for wait in (0, 1):
            params = {"cursor": cursor, "wait": str(wait)}
            page = await (await client.get(f"{address}/v1/changes", headers=headers, params=params)).json()
            assert page == {"changes": [], "cursor": cursor, "has_more": False}
        for wrong in ("61", "-1", "x", "1.5", "²"):
            answer = await client.get(f"{address}/v1/changes", headers=headers, params={"wait": wrong})
            assert answer.status == 422


async def test_a_lost_wake_up_costs_only_time(
    open_gateway: Any, listening: Any, journal: FakeJournal, login: Any, client: Any
) -> None:
    """No event is ever heard: the journals are looked at, in one call for all, and the change arrives."""
    async with open_gateway(journal_check_seconds=0.2) as gateway, listening(gateway.app) as address:
        polls = [
            asyncio.create_task(client.get(f"{address}/v1/changes?wait=50", headers=login(account)))
            for account in ("ann", "bob", "eve")
        ]
        await all_wait(gateway, 3)
        checks = journal.heads
        await eventually(lambda: _as_coroutine(journal.heads > checks + 1))
        reads = journal.reads
        journal.entries["bob"] = ["x"]
        page = await (await polls[1]).json()
        assert len(page["changes"]) == 1
        assert journal.reads == reads + 1
        for poll in polls:
            poll.cancel()


async def _as_coroutine(value: Any) -> Any:
    return value


async def test_a_stream_tells_what_comes_and_resumes_after_what_was_told(
    open_gateway: Any, listening: Any, journal: FakeJournal, login: Any, client: Any
) -> None:
    """Nothing of before; then each change once, over a dropped connection, by header or by parameter."""
    async with open_gateway(journal_check_seconds=0.1) as gateway, listening(gateway.app) as address:
        entries = journal.entries["ann"] = ["old"]
        headers = login()
        async with events(client, address, headers) as stream:
            entries += ["a", "b", "c"]
            assert await stream.names(2) == ["a", "b"]
            third = await stream.next()
            assert (third["event"], third["id"]) == ("change", change_cursor("ann", 4))
        entries += ["d", "e"]
        async with events(client, address, headers | {"Last-Event-ID": third["id"]}) as stream:
            assert await stream.names(2) == ["d", "e"]
        async with events(client, address, headers, last_event_id=third["id"]) as stream:
            entries.append("f")
            assert await stream.names(3) == ["d", "e", "f"]
        await eventually(lambda: _as_coroutine(len(waiting_at(gateway)) == 0))


async def test_a_stream_tells_notifications_and_shares(
    open_gateway: Any, listening: Any, journal: FakeJournal, login: Any, client: Any, publish: Any
) -> None:
    """In-app notifications without an id, others not; a share wakes whom it is with."""
    async with open_gateway(journal_check_seconds=1000.0) as gateway, listening(gateway.app) as address:
        notes = {"revision": 1, "account_id": "ann", "kind": "upload_done", "cause_ids": ()}
        share = FileShared(
            revision=1, share_id="s", file_id="f", file_name="a", kind="file", owner_id="eve", email="ann@x",
            account_id="ann", role="viewer", actor_id="eve",
        )  # fmt: skip
        async with events(client, address, login()) as stream:
            await all_wait(gateway)
            coming = asyncio.create_task(stream.next())

            async def heard() -> bool:
                await publish(NotificationSent(delivery_id="mail", channel="email", **notes))
                await publish(NotificationSent(delivery_id="d1", channel="in_app", **notes))
                return bool((await asyncio.wait([coming], timeout=1))[0])

            await eventually(heard)
            event = await coming
            assert "id" not in event
            assert event["event"] == "notification"
            assert orjson.loads(event["data"]) == {"delivery_id": "d1", "kind": "upload_done"}
            journal.entries["ann"] = ["shared.txt"]
            await publish(share)
            while (event := await stream.next())["event"] == "notification":
                assert orjson.loads(event["data"])["delivery_id"] == "d1"
            assert event["event"] == "change"


async def test_a_stream_says_why_it_ends(
    open_gateway: Any, listening: Any, journal: FakeJournal, login: Any, client: Any
) -> None:
    """Expired cursor and expired token have events of their own; what is no cursor is refused before the stream."""
    async with (
        open_gateway(journal_check_seconds=0.1, heartbeat_seconds=0.1) as gateway,
        listening(gateway.app) as address,
    ):
        journal.kept_from = 3
        async with events(client, address, login() | {"Last-Event-ID": change_cursor("ann", 1)}) as stream:
            event = await stream.next()
            assert (event["event"], event["id"]) == ("cursor_expired", "")
            assert await stream.next() == {}
        journal.kept_from = 0
        async with events(client, address, login(seconds=-3)) as stream:  # the leeway is 5 s
            assert (await stream.next())["event"] == "token_expired"
            assert await stream.next() == {}
        journal.status = 422
        answer = await client.get(f"{address}/v1/events", headers=login() | {"Last-Event-ID": "garbage"})
        assert answer.status == 422
        assert (await client.get(f"{address}/v1/events")).status == 401


async def test_a_silent_stream_shows_that_it_lives(open_gateway: Any, listening: Any, login: Any, client: Any) -> None:
    """It begins with how soon to come again, and has a comment once in a while."""
    async with (
        open_gateway(heartbeat_seconds=0.05) as gateway,
        listening(gateway.app) as address,
        client.get(f"{address}/v1/events", headers=login()) as response,
    ):
        lines = [(await response.content.readline()).decode() for _ in range(6)]
        assert lines[0] == "retry: 2000\n"
        assert [line[:2] for line in lines[2::2]] == [": ", ": "]
        assert (await client.post(f"{address}/v1/events", headers=login())).status == 405


async def test_a_stream_outlives_an_outage_of_metadata(
    open_gateway: Any, listening: Any, journal: FakeJournal, login: Any, client: Any
) -> None:
    """While metadata is away nothing is told; afterwards everything is."""
    async with (
        open_gateway(journal_check_seconds=0.1) as gateway,
        listening(gateway.app) as address,
        events(client, address, login()) as stream,
    ):
        await all_wait(gateway)
        journal.status, reads = 503, journal.reads
        journal.entries["ann"] = ["a"]
        await eventually(lambda: _as_coroutine(journal.reads > reads + 1))
        journal.status = 200
        assert await stream.names(1) == ["a"]


async def test_an_account_has_a_bounded_number_of_streams(
    open_gateway: Any, listening: Any, login: Any, client: Any
) -> None:
    """One too many is refused with 429, another account is not; a place is free as soon as its client has left."""
    async with open_gateway(max_streams=2) as gateway, listening(gateway.app) as address:
        async with events(client, address, login()), events(client, address, login()):
            answer = await client.get(f"{address}/v1/changes?wait=9", headers=login())
            assert (answer.status, (await answer.json())["code"]) == (429, "too_many_streams")
            async with events(client, address, login("bob")):
                pass
        await eventually(lambda: _as_coroutine(len(waiting_at(gateway)) == 0))
        async with events(client, address, login()):
            pass


async def test_nothing_is_left_of_a_client_that_has_left(
    open_gateway: Any, listening: Any, login: Any, client: Any
) -> None:
    """Waiters and tasks are gone when connections are closed, of polls and of streams."""
    async with open_gateway() as gateway, listening(gateway.app) as address:
        polls = [
            asyncio.create_task(client.get(f"{address}/v1/changes?wait=60", headers=login(f"p{n}"))) for n in range(5)
        ]
        streams = [await client.get(f"{address}/v1/events", headers=login(f"s{n}")) for n in range(5)]
        await all_wait(gateway, 10)
        assert len(_answering()) == 20
        for poll in polls:
            poll.cancel()
        for stream in streams:
            stream.close()
        await eventually(lambda: _as_coroutine(len(waiting_at(gateway)) == 0))
        await eventually(lambda: _as_coroutine(not _answering()))


def _answering() -> list[str]:
    """Tasks that serve a request, or watch over the client of one."""
    running = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
    return [name for name in running if name.endswith(("run_asgi", "until_gone"))]


async def test_a_gateway_that_stops_ends_every_wait(open_gateway: Any, listening: Any, login: Any, client: Any) -> None:
    """Polls are answered with nothing, streams end, at once: neither is broken off."""
    async with open_gateway() as gateway, listening(gateway.app) as address:
        poll = asyncio.create_task(client.get(f"{address}/v1/changes?wait=60", headers=login("bob")))
        async with events(client, address, login()) as stream:
            await all_wait(gateway, 2)
            announce_stopping()
            assert await stream.next() == {}
        answer = await poll
        assert (await answer.json())["changes"] == []
