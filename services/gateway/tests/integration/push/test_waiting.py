"""Long polls: woken by events from a real broker; the journal is a fake."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession
from gateway_calls import Listening, OpenGateway
from gateway_journal import FakeJournal, LogIn, Publish, Waiters

from docstore_contracts.metadata import journal_wakeup
from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileCreated, FileState
from docstore_platform.http.paging import change_cursor
from docstore_platform.testing import eventually
from docstore_work.wakeup import wake

pytestmark = pytest.mark.connected
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def created(owner: str, *readers: str) -> FileCreated:
    file = FileState(
        file_id="f1", owner_id=owner, parent_id="p", kind="file", name="a.txt", size=1, content_type="", sha256="",
        version=1, created_at=NOW, modified_at=NOW, modified_by=owner, readers=readers,
    )  # fmt: skip
    return FileCreated(revision=1, file=file, path="/a.txt", actor_id=owner)


async def test_a_poll_is_answered_when_a_change_event_arrives(
    open_gateway: OpenGateway,
    listening: Listening,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    publish: Publish,
    waiters: Waiters,
) -> None:
    """Owner and reader, at two gateways: both wait, both are woken by one event, long before their time is up."""
    async with (
        open_gateway(journal_check_interval_seconds=1000.0) as one,
        open_gateway(journal_check_interval_seconds=1000.0) as two,
        listening(one.app) as first,
        listening(two.app) as second,
    ):
        polls = [
            asyncio.create_task(client.get(f"{address}/v1/changes?wait=50&limit=10", headers=login(account)))
            for address, account in ((first, "ann"), (second, "bob"))
        ]
        await waiters.become(1, one)
        await waiters.become(1, two)
        journal.entries |= {"ann": ["a.txt"], "bob": ["a.txt"]}
        await eventually(lambda: _published_until_done(publish, created("ann", "bob"), polls))
        for poll in polls:
            page = await (await poll).json()
            assert [change["file"]["name"] for change in page["changes"]] == ["a.txt"]
        assert waiters.number(one) == waiters.number(two) == 0


async def test_a_poll_is_answered_when_this_process_has_written_the_journal(
    open_gateway: OpenGateway,
    listening: Listening,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    waiters: Waiters,
) -> None:
    """Where metadata runs in the gateway's process, its wake-up is enough: no event is consumed here."""
    async with open_gateway(journal_check_interval_seconds=1000.0) as gateway, listening(gateway.app) as address:
        poll = asyncio.create_task(client.get(f"{address}/v1/changes?wait=50", headers=login("ann")))
        await waiters.become(1, gateway)
        journal.entries["ann"] = ["a.txt"]
        wake(journal_wakeup("ann"))
        page = await (await poll).json()
        assert [change["file"]["name"] for change in page["changes"]] == ["a.txt"]


async def _published_until_done(publish: Publish, event: Event, polls: list[Any]) -> bool:
    """The broadcast may begin after the first event: events are published until one is received."""
    await publish(event)
    _, pending = await asyncio.wait(polls, timeout=1)
    return not pending


async def test_a_poll_does_not_wait_for_what_is_there(
    open_gateway: OpenGateway, listening: Listening, journal: FakeJournal, login: LogIn, client: ClientSession
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
    open_gateway: OpenGateway,
    listening: Listening,
    journal: FakeJournal,
    login: LogIn,
    client: ClientSession,
    waiters: Waiters,
) -> None:
    """No event ever arrives: the journals are checked, in one call for all, and the change arrives."""
    async with open_gateway(journal_check_interval_seconds=0.2) as gateway, listening(gateway.app) as address:
        polls = [
            asyncio.create_task(client.get(f"{address}/v1/changes?wait=50", headers=login(account)))
            for account in ("ann", "bob", "eve")
        ]
        await waiters.become(3, gateway)
        checks = journal.heads
        await waiters.happens(lambda: journal.heads > checks + 1)
        reads = journal.reads
        journal.entries["bob"] = ["x"]
        page = await (await polls[1]).json()
        assert len(page["changes"]) == 1
        assert journal.reads == reads + 1
        for poll in polls:
            poll.cancel()
