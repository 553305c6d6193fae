"""kill -9 of one instance of every service under load: the others take over."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from busy_client import BusyClient, Steps, everything_is_as_promised, no_dead_letters
from paired_services import ADMIN, PAIRED_SERVICES, WAITS, Instance, PairedServices

from docstore_platform.clock import utc_now
from docstore_platform.mongodb.client import Document
from docstore_platform.services import ServiceName
from docstore_platform.testing import eventually
from docstore_standalone.chaos import faults

pytestmark = pytest.mark.scale

CLIENTS = 2
RELAYS: tuple[ServiceName, ...] = tuple(service for service in PAIRED_SERVICES if service != "gateway")
FLOWS: tuple[tuple[ServiceName, str, ServiceName], ...] = (
    ("metadata", "file-created", "quota"),
    ("upload", "upload-completed", "notify"),
    ("metadata", "file-created", "indexer"),
)
"""Publishers and consumers: events in the seconds after the kill wait for a relay and for a consumer."""
SAID_SECONDS = 5.0
LONGEST_SECONDS = 25.0
"""For any takeover, on two busy cores: the longest lease is the 10 s of a consumer in its group, and of a relay."""

Probe = Callable[[], Awaitable[bool]]


@dataclass
class InHand:
    """What the instances that are to die hold: work they have begun, and leases."""

    vanished: Steps
    upload_id: str
    delivery: Document
    job: Document
    relays: dict[ServiceName, str]


async def test_an_instance_that_dies_is_taken_over(paired: PairedServices, say: Callable[[str], None]) -> None:
    """Uploads, messages, events and jobs in the hands of the dead are finished by the living within seconds; whatever
    was acknowledged is there, counted and notified once.
    """
    dying = [paired.by_age(service)[0] for service in PAIRED_SERVICES]
    async with AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(BusyClient(lambda: paired.gateway, 1)) for _ in range(CLIENTS)]
        async with clients[0].working(), clients[1].working():
            await asyncio.gather(*(client.promised(3) for client in clients))
            async with _in_mid_work(paired, clients) as held:
                await asyncio.gather(*(instance.kill() for instance in dying))
                killed_at = time.monotonic()
            measured = await _taken_over(paired, held, killed_at)
            await asyncio.gather(*(client.promised(5) for client in clients))
        for what, seconds in measured.items():
            say(f"{what}: {seconds:.1f} s after kill -9")
        for client in clients:
            completed = await everything_is_as_promised(client, paired.mailbox, paired.bucket)
            assert held.vanished.path in completed or client is not clients[0]
        await no_dead_letters(paired.gateway, ADMIN)
        say(f"{sum(len(client.promises.files) for client in clients)} uploads acknowledged, none lost or counted twice")
    await asyncio.gather(*(instance.start() for instance in dying))
    await asyncio.gather(*(paired.balanced(instance) for instance in dying))
    assert max(measured.values()) < LONGEST_SECONDS


@asynccontextmanager
async def _in_mid_work(paired: PairedServices, clients: Sequence[BusyClient]) -> AsyncIterator[InHand]:
    """Freeze the younger instances, so that the older ones take all there is, and stop these in the middle of it: a
    mail, a commit asked of metadata, a comparison too, none of which is answered. All goes on at the end. Clients wait
    for that, however long it takes until everything is in hand.
    """
    upload, quota, notify = (paired.by_age(service)[1] for service in ("upload", "quota", "notify"))
    with ExitStack() as held:
        for client in clients:
            held.enter_context(client.patient())
        _freeze(held, notify)
        held.enter_context(paired.balancers["ses"].held())
        lease = _lease("NOTIFY_LEASE_SECONDS")
        delivery = await _found(paired, "notify", "deliveries", {"state": "pending", "next_at": {"$gt": lease}})
        vanished = await Steps(clients[0]).begin()
        _freeze(held, upload)  # before there is anything to complete, which it would hold until its lease ends
        _freeze(held, quota)
        await vanished.send()
        held.enter_context(paired.balancers["metadata"].held())
        commit = {"_id": vanished.upload["id"], "state": "committing"}
        await _found(paired, "upload", "uploads", commit)
        comparison = {"_id": "reconcile", "lease_owner": {"$ne": None}, "lease_until": {"$gt": utc_now()}}
        job = await _found(paired, "quota", "jobs", comparison)
        relays = {service: await _relay_owner(paired, service) for service in RELAYS}
        yield InHand(vanished, vanished.upload["id"], delivery, job, relays)


def _freeze(held: ExitStack, instance: Instance) -> None:
    process = instance.system_process
    process.suspend()
    held.callback(faults.resume, [process])


def _lease(setting: str) -> datetime:
    """When a lease ends that is taken now: those that end later were taken later."""
    return utc_now() + timedelta(seconds=float(WAITS[setting]))


async def _found(paired: PairedServices, service: ServiceName, collection: str, condition: Document) -> Document:
    async def find() -> Document | None:
        found: Document | None = await paired.database(service)[collection].find_one(condition)
        return found

    try:
        return await eventually(find)
    except AssertionError:
        raise AssertionError(f"{service} has nothing in hand: {condition}") from None


async def _relay_owner(paired: PairedServices, service: ServiceName) -> str:
    lease = await paired.database(service)["outbox_lease"].find_one({"_id": "relay"})
    return str(lease["owner"]) if lease else ""


async def _taken_over(paired: PairedServices, held: InHand, since: float) -> dict[str, float]:
    """Seconds after `since` at which each piece of work was finished, or had another owner."""

    async def row(service: ServiceName, collection: str, document_id: str) -> Document:
        found: Document = await paired.database(service)[collection].find_one({"_id": document_id})
        return found

    async def upload_completed() -> bool:
        return bool((await row("upload", "uploads", held.upload_id))["state"] == "completed")

    async def message_sent() -> bool:
        return bool((await row("notify", "deliveries", held.delivery["_id"]))["state"] == "sent")

    async def job_has_another_owner() -> bool:
        job = await row("quota", "jobs", "reconcile")
        return job.get("lease_owner") not in (None, held.job["lease_owner"])

    def relay_has_another_owner(service: ServiceName) -> Probe:
        async def probe() -> bool:
            return await _relay_owner(paired, service) not in ("", held.relays[service])

        return probe

    probes = {
        "upload in mid-commit": upload_completed,
        "mail in mid-sending": message_sent,
        "quota's comparison": job_has_another_owner,
        **{f"outbox relay of {service}": relay_has_another_owner(service) for service in RELAYS},
        **{f"{flow[1]} on its way to {flow[2]}": _heard(paired, *flow) for flow in FLOWS},
    }

    async def measure(probe: Probe) -> float:
        await eventually(probe, every=0.05)
        return time.monotonic() - since

    return dict(zip(probes, await asyncio.gather(*map(measure, probes.values())), strict=True))


def _heard(paired: PairedServices, source: ServiceName, event: str, consumer: ServiceName) -> Probe:
    """Whether all events that are published for some seconds from now on are consumed."""
    began = utc_now()
    ended = began + timedelta(seconds=SAID_SECONDS)

    async def probe() -> bool:
        published = {"headers": ["ce_type", event.encode()], "created_at": {"$gte": began, "$lt": ended}}
        ids = [row["_id"] async for row in paired.database(source)["outbox"].find(published, {"_id": 1})]
        received = await paired.database(consumer)["inbox"].count_documents({"_id": {"$in": ids}})
        return utc_now() > ended and bool(ids) and bool(received == len(ids))

    return probe
