"""Two instances of every service share the work: each does a part, and nothing is done twice."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from busy_client import BusyClient, everything_is_as_promised, no_dead_letters
from paired_services import ADMIN, PAIRED_SERVICES, PairedServices
from people import PASSWORD, Person

from docstore_platform.mongodb.client import Database
from docstore_platform.services import ServiceName
from docstore_platform.testing import eventually

pytestmark = pytest.mark.scale

CLIENTS, WORKERS, UPLOADS = 4, 2, 300
LEAST_SHARE = 0.1
REFRESHES_A_MINUTE = 40
FLOWS: tuple[tuple[ServiceName, str, ServiceName], ...] = (
    ("accounts", "account-created", "quota"),
    ("upload", "upload-completed", "notify"),
    ("metadata", "file-created", "quota"),
    ("metadata", "file-created", "notify"),
    ("metadata", "file-created", "indexer"),
    ("indexer", "file-indexed", "metadata"),
)
"""Publishers and consumers of the counted events."""


@pytest.fixture(scope="module")
async def uploaded(paired: PairedServices) -> int:
    """Eight workers of four accounts have uploaded small files through both gateways; how many."""
    async with AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(BusyClient(lambda: paired.gateway, WORKERS)) for _ in range(CLIENTS)
        ]
        async with AsyncExitStack() as working:
            for client in clients:
                await working.enter_async_context(client.working())
            await asyncio.gather(*(client.promised(UPLOADS // CLIENTS) for client in clients))
        assert [refusal for client in clients for refusal in client.promises.refusals] == []
        for client in clients:
            assert await everything_is_as_promised(client, paired.mailbox, paired.bucket) == set(client.promises.files)
        await no_dead_letters(paired.gateway, ADMIN)
        return sum(len(client.promises.files) for client in clients)


async def test_uploads_through_two_of_each_count_once(
    paired: PairedServices, uploaded: int, say: Callable[[str], None]
) -> None:
    """Usage, listing, search, mails and objects are exact; every event is sent once and taken in by each consumer."""
    say(f"{uploaded} uploads by {CLIENTS * WORKERS} workers: each counted, listed, found and notified once")
    assert uploaded >= UPLOADS
    for source, event, consumer in FLOWS:
        published = await _published(paired.database(source), event)

        async def all_received(consumer: ServiceName = consumer, published: set[str] = published) -> bool:
            inbox = paired.database(consumer)["inbox"]
            return bool(await inbox.count_documents({"_id": {"$in": list(published)}}) == len(published))

        await eventually(all_received)


async def _published(database: Database, event: str) -> set[str]:
    """Ids of the events of a type, all of them sent."""
    rows = [row async for row in database["outbox"].find({"headers": ["ce_type", event.encode()]})]
    assert rows, event
    assert Counter(row["state"] for row in rows) == {"sent": len(rows)}
    return {row["_id"] for row in rows}


@pytest.mark.usefixtures("uploaded")
@pytest.mark.parametrize(
    ("service", "metric", "labels"),
    [
        ("gateway", "docstore_http_request_seconds_count", {"method": "POST"}),
        ("upload", "docstore_uploads_ended_total", {"state": "completed"}),
        ("metadata", "docstore_events_handled_total", {"type": "file-indexed"}),
        ("quota", "docstore_events_handled_total", {"type": "file-created"}),
        ("notify", "docstore_events_handled_total", {"type": "upload-completed"}),
        ("notify", "docstore_notify_deliveries_total", {"outcome": "sent"}),
        *(
            [("indexer", "docstore_events_handled_total", {"type": "file-created"})]
            if "indexer" in PAIRED_SERVICES
            else []
        ),
    ],
)
async def test_both_instances_work(
    paired: PairedServices, service: str, metric: str, labels: dict[str, str], say: Callable[[str], None]
) -> None:
    """Calls, events and jobs: each instance has done a part worth having it for, by its own metrics."""
    done = [await instance.total(metric, **labels) for instance in paired.instances[service]]
    say(f"{service} {metric}: {done[0]:.0f} and {done[1]:.0f}")
    assert min(done) >= LEAST_SHARE * sum(done)


async def test_any_instance_serves_any_session(paired: PairedServices) -> None:
    """Log-ins at once at both gateways, each renewed at the other one; a log-out at one is felt at the other."""
    here, there = (instance.url for instance in paired.instances["gateway"])
    async with AsyncExitStack() as opened:
        person = await opened.enter_async_context(await Person.new(here, "traveller"))
        devices = [await opened.enter_async_context(Person(url)) for url in (here, there) * 4]
        await asyncio.gather(*(device.log_in(person.email, PASSWORD) for device in devices))
        for device in devices:
            device.gateway = there if device.gateway == here else here
        renewals = [
            device.call("POST", "/v1/sessions/refresh", {"refresh_token": device.refresh_token}) for device in devices
        ]
        renewed = await asyncio.gather(*renewals)
        assert len(await person.every("/v1/sessions")) == 1 + len(devices)
        await devices[0].call("DELETE", "/v1/sessions/current")
        last = {"refresh_token": renewed[0]["refresh_token"]}
        devices[0].gateway = here
        assert (await devices[0].refused("POST", "/v1/sessions/refresh", last))[0] == 401


async def test_a_refresh_token_works_at_one_of_two_gateways(paired: PairedServices) -> None:
    """The same token at both in the same moment: one new login at most, and the session is over, as it was copied."""
    here, there = (instance.url for instance in paired.instances["gateway"])
    async with await Person.new(here, "copied") as person, Person(there) as thief:
        token = {"refresh_token": person.refresh_token}
        answers = await asyncio.gather(*(one.ask("POST", "/v1/sessions/refresh", token) for one in (person, thief) * 2))
        renewed = [answer.json() for answer in answers if answer.status == 200]
        assert len(renewed) <= 1
        assert {answer.status for answer in answers} <= {200, 401}
        for tokens in renewed:
            again = {"refresh_token": tokens["refresh_token"]}
            assert (await person.refused("POST", "/v1/sessions/refresh", again))[0] == 401


async def test_a_rate_limit_holds_over_both_gateways(paired: PairedServices, say: Callable[[str], None]) -> None:
    """Twice the budget of a minute at each gateway at once: all together get the budget, and what grows back."""
    before = time.monotonic()
    address = {"x-forwarded-for": "198.51.100.7"}
    async with AsyncExitStack() as opened:
        callers = [await opened.enter_async_context(Person(one.url)) for one in paired.instances["gateway"]]
        calls = [
            caller.ask("POST", "/v1/sessions/refresh", {"refresh_token": "nobody's"}, address)
            for caller in callers * 2 * REFRESHES_A_MINUTE
        ]
        statuses = Counter(answer.status for answer in await asyncio.gather(*calls))
    grown_back = (time.monotonic() - before) * REFRESHES_A_MINUTE / 60
    let_in = statuses.total() - statuses[429]
    say(f"{statuses.total()} calls at two gateways, {let_in} let in, {REFRESHES_A_MINUTE} + {grown_back:.1f} allowed")
    assert REFRESHES_A_MINUTE <= let_in <= REFRESHES_A_MINUTE + grown_back + 1
