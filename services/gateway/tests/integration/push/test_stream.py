"""Streams of events: contents, resumption and end, with a fake journal."""

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession
from gateway_calls import Listening, OpenGateway
from gateway_journal import FakeJournal, LogIn, OpenStream, Publish, Waiters

from docstore_events.catalogue.notifications import NotificationSent
from docstore_events.catalogue.shares import FileShared
from docstore_platform.http.paging import change_cursor
from docstore_platform.http.server.stopping import announce_stopping
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected


async def test_a_stream_sends_changes_and_resumes_after_the_last(
    open_gateway: OpenGateway,
    listening: Listening,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    waiters: Waiters,
    events: OpenStream,
) -> None:
    """Nothing of before; then each change once, over a dropped connection, by header or by parameter."""
    async with open_gateway(journal_check_interval_seconds=0.1) as gateway, listening(gateway.app) as address:
        entries = journal.entries["ann"] = ["old"]
        headers = login()
        async with events(address, headers) as stream:
            entries += ["a", "b", "c"]
            assert await stream.names(2) == ["a", "b"]
            third = await stream.next()
            assert (third["event"], third["id"]) == ("change", change_cursor("ann", 4))
        entries += ["d", "e"]
        async with events(address, headers | {"Last-Event-ID": third["id"]}) as stream:
            assert await stream.names(2) == ["d", "e"]
        async with events(address, headers, last_event_id=third["id"]) as stream:
            entries.append("f")
            assert await stream.names(3) == ["d", "e", "f"]
        await waiters.happens(lambda: waiters.number(gateway) == 0)


async def test_a_stream_sends_notifications_and_shares(
    open_gateway: OpenGateway,
    listening: Listening,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    publish: Publish,
    waiters: Waiters,
    events: OpenStream,
) -> None:
    """In-app notifications without an id, others not; a share wakes whom it is with."""
    async with open_gateway(journal_check_interval_seconds=1000.0) as gateway, listening(gateway.app) as address:
        notes = {"revision": 1, "account_id": "ann", "kind": "upload_done", "cause_ids": ()}
        share = FileShared(
            revision=1, share_id="s", file_id="f", file_name="a", kind="file", owner_id="eve", email="ann@x",
            account_id="ann", role="viewer", actor_id="eve",
        )  # fmt: skip
        async with events(address, login()) as stream:
            await waiters.become(1, gateway)
            coming = asyncio.create_task(stream.next())

            async def received() -> bool:
                await publish(NotificationSent(delivery_id="mail", channel="email", **notes))
                await publish(NotificationSent(delivery_id="d1", channel="in_app", **notes))
                return bool((await asyncio.wait([coming], timeout=1))[0])

            await eventually(received)
            event = await coming
            assert "id" not in event
            assert event["event"] == "notification"
            assert orjson.loads(event["data"]) == {"delivery_id": "d1", "kind": "upload_done"}
            journal.entries["ann"] = ["shared.txt"]
            await publish(share)
            while (event := await stream.next())["event"] == "notification":
                assert orjson.loads(event["data"])["delivery_id"] == "d1"
            assert event["event"] == "change"


async def test_a_stream_ends_with_its_reason(
    open_gateway: OpenGateway,
    listening: Listening,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    events: OpenStream,
) -> None:
    """Expired cursor and expired token have events of their own; what is no cursor is refused before the stream."""
    async with (
        open_gateway(journal_check_interval_seconds=0.1, heartbeat_interval_seconds=0.1) as gateway,
        listening(gateway.app) as address,
    ):
        journal.kept_from = 3
        async with events(address, login() | {"Last-Event-ID": change_cursor("ann", 1)}) as stream:
            event = await stream.next()
            assert (event["event"], event["id"]) == ("cursor_expired", "")
            assert await stream.next() == {}
        journal.kept_from = 0
        async with events(address, login(seconds=-3)) as stream:  # the leeway is 5 s
            assert (await stream.next())["event"] == "token_expired"
            assert await stream.next() == {}
        journal.status = 422
        answer = await client.get(f"{address}/v1/events", headers=login() | {"Last-Event-ID": "garbage"})
        assert answer.status == 422
        assert (await client.get(f"{address}/v1/events")).status == 401


async def test_a_silent_stream_shows_that_it_lives(
    open_gateway: OpenGateway, listening: Listening, login: LogIn, client: ClientSession
) -> None:
    """It begins with how soon to come again, and has a comment once in a while."""
    async with (
        open_gateway(heartbeat_interval_seconds=0.05) as gateway,
        listening(gateway.app) as address,
        client.get(f"{address}/v1/events", headers=login()) as response,
    ):
        lines = [(await response.content.readline()).decode() for _ in range(6)]
        assert lines[0] == "retry: 2000\n"
        assert [line[:2] for line in lines[2::2]] == [": ", ": "]
        assert (await client.post(f"{address}/v1/events", headers=login())).status == 405


async def test_a_stream_outlives_an_outage_of_metadata(
    open_gateway: OpenGateway,
    listening: Listening,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    waiters: Waiters,
    events: OpenStream,
) -> None:
    """While metadata is down nothing is sent; afterwards everything is."""
    async with (
        open_gateway(journal_check_interval_seconds=0.1) as gateway,
        listening(gateway.app) as address,
        events(address, login()) as stream,
    ):
        await waiters.become(1, gateway)
        journal.status, reads = 503, journal.reads
        journal.entries["ann"] = ["a"]
        await waiters.happens(lambda: journal.reads > reads + 1)
        journal.status = 200
        assert await stream.names(1) == ["a"]


async def test_an_account_has_a_bounded_number_of_streams(
    open_gateway: OpenGateway,
    listening: Listening,
    login: LogIn,
    client: ClientSession,
    waiters: Waiters,
    events: OpenStream,
) -> None:
    """One too many is refused with 429, another account is not; a place is free as soon as its client has left."""
    async with open_gateway(max_streams=2) as gateway, listening(gateway.app) as address:
        async with events(address, login()), events(address, login()):
            answer = await client.get(f"{address}/v1/changes?wait=9", headers=login())
            assert (answer.status, (await answer.json())["code"]) == (429, "too_many_streams")
            async with events(address, login("bob")):
                pass
        await waiters.happens(lambda: waiters.number(gateway) == 0)
        async with events(address, login()):
            pass


async def test_nothing_is_left_of_a_client_that_has_left(
    open_gateway: OpenGateway, listening: Listening, login: LogIn, client: ClientSession, waiters: Waiters
) -> None:
    """Waiters and tasks are gone when connections are closed, of polls and of streams."""
    others = _answering()  # other servers of this process may be answering
    async with open_gateway() as gateway, listening(gateway.app) as address:
        polls = [
            asyncio.create_task(client.get(f"{address}/v1/changes?wait=60", headers=login(f"p{n}"))) for n in range(5)
        ]
        streams = [await client.get(f"{address}/v1/events", headers=login(f"s{n}")) for n in range(5)]
        await waiters.become(10, gateway)
        await waiters.happens(lambda: len(_answering() - others) == 20)
        for poll in polls:
            poll.cancel()
        for stream in streams:
            stream.close()
        await waiters.happens(lambda: waiters.number(gateway) == 0)
        await waiters.happens(lambda: not _answering() - others)


def _answering() -> set[asyncio.Task[Any]]:
    """Tasks that serve a request, or watch over the client of one."""
    return {task for task in asyncio.all_tasks() if _name(task).endswith(("run_asgi", "until_gone"))}


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", "")


async def test_a_gateway_that_stops_ends_every_wait(
    open_gateway: OpenGateway,
    listening: Listening,
    login: LogIn,
    client: ClientSession,
    waiters: Waiters,
    events: OpenStream,
) -> None:
    """Polls are answered with nothing, streams end, at once: neither is broken off."""
    async with open_gateway() as gateway, listening(gateway.app) as address:
        poll = asyncio.create_task(client.get(f"{address}/v1/changes?wait=60", headers=login("bob")))
        async with events(address, login()) as stream:
            await waiters.become(2, gateway)
            announce_stopping()
            assert await stream.next() == {}
        answer = await poll
        assert (await answer.json())["changes"] == []
