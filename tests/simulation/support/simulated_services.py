"""Instances of upload, metadata and the consumers of events: the project's code on the simulated servers.

Real are the outbox with its relay and leader lease, consumer, inbox and dead letters, and in upload everything from
initiation to final check, with its lease queue. Metadata's tree is a document for each path, and what a consumer does
with an event is a list of what it has applied.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from fake_blocks import FakeBlocks
from fake_services import FakeQuota
from memory_store import FakeStore
from network import SERVICES, Instance, Network
from shown_files import shown_file
from simulated_kafka import Broker, Member
from simulated_mongo import Database, SimulatedMongo
from simulated_server import Server

from docstore_events.catalogue.event import Event
from docstore_events.catalogue.files import FileCreated, FileModified, FileState
from docstore_events.envelope import Envelope
from docstore_events.runtime import RETRY_SECONDS, EventRuntime
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_platform.clock import utc_now
from docstore_platform.errors import Unavailable
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import UpdateOne
from docstore_platform.settings import InfraSettings
from docstore_upload.blocks.service import BlockService
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.lifecycle import Lifecycle
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.kind import SingleUploads
from docstore_upload.sessions.repository import MongoUploads
from docstore_upload.sessions.service import UploadService
from docstore_upload.sessions.verify import Verifier
from docstore_upload.settings import UploadSettings

Json = dict[str, Any]
Handle = Callable[[str, Any], Awaitable[Any]]
CONSUMERS = ("quota", "indexer", "media", "notify")
RARELY = 6
"""How many times as long relays of consumers wait; most of a simulation's time goes into looking for nothing."""
SERVICE_NAMES = ("upload", "metadata", *CONSUMERS)


class World:
    """What all instances share."""

    def __init__(self, rng: random.Random, network: Network, broker: Broker, infra: InfraSettings) -> None:
        self.rng = rng
        self.network = network
        self.broker = broker
        self.infra = infra
        self.server = Server(network)
        self.quota = FakeQuota()
        self.store = FakeStore(utc_now)
        self.handlers: dict[str, dict[str, Handle]] = {name: {} for name in SERVICE_NAMES}
        """Of each service the instances that live, by name."""
        self.instances: dict[str, Instance] = {}
        self.runtimes: dict[str, EventRuntime] = {}
        self.failing: dict[str, int] = {}
        """How often handling an event will still fail, by its id."""
        self.to_fail: list[int] = []
        """The same for the next events, whichever they are."""

    def start(self, service: str, name: str) -> None:
        instance = self.instances[name] = Instance(service, name)
        database: Any = Database(self.server, service, name)
        infra = self.infra
        if service in CONSUMERS:  # they publish nothing but copies of dead letters
            infra = infra.model_copy(update={"outbox_interval_ms": RARELY * infra.outbox_interval_ms})
        runtime = self.runtimes[name] = EventRuntime(service, infra, SimulatedMongo(self.server), database)
        handle: Handle = Settled(self, runtime).handle
        if service == "upload":
            handle = UploadInstance(self, instance, runtime, database).handle
        elif service == "metadata":
            handle = MetadataInstance(runtime, database).handle
        else:
            subscribers = Recorder(self) if service != "notify" else CompletionRecorder(self)
            runtime.subscribe(subscribers)
            assert runtime.consumer is not None
            member = Member(self.broker, self.broker.groups[service], instance)
            instance.start(member.run(runtime.consumer.consume))
        self.handlers[service][name] = handle
        instance.start(_kept(runtime))

    def kill(self, name: str) -> None:
        instance = self.instances.pop(name)
        del self.handlers[instance.service][name], self.runtimes[name]
        instance.kill()

    async def call(self, service: str, path: str, body: Any) -> Any:
        """Send a request to some instance of a service; Unavailable if it gives no response."""
        await self.network.travel(SERVICES)
        names = list(self.handlers[service])
        if not names:
            raise Unavailable("no instance")
        name = self.rng.choice(names)
        if not self.instances[name].is_responsive(SERVICES):
            await asyncio.sleep(1)
            raise Unavailable("no response")
        task = self.instances[name].start(self.handlers[service][name](path, body))
        await asyncio.wait([task])
        if task.cancelled():
            raise Unavailable("the instance has died")
        await self.network.travel(SERVICES)
        return task.result()


async def _kept(runtime: EventRuntime) -> None:
    """The relay, restarted whenever it ends."""
    while True:
        try:
            await runtime.relay.run()
        except Exception:  # noqa: BLE001 - as the runtime does
            await asyncio.sleep(RETRY_SECONDS)


class Peer:
    """A service as another one calls it."""

    def __init__(self, world: World, service: str) -> None:
        self._world = world
        self._service = service

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        if self._service == "quota" and not path.endswith("/settled"):
            await self._world.network.travel(SERVICES)
            return await self._world.quota.call(method, path, body)
        return await self._world.call(self._service, path, body)


class Settled:
    """Answers which events a consumer has handled."""

    def __init__(self, world: World, runtime: EventRuntime) -> None:
        self._runtime = runtime

    async def handle(self, path: str, body: Any) -> Json:
        return {"settled": sorted(await self._runtime.inbox.handled(body["event_ids"]))}


class UploadInstance:
    """Uploads by PUT, wired as in the app."""

    def __init__(self, world: World, instance: Instance, runtime: EventRuntime, database: Any) -> None:
        settings = UploadSettings(
            infra=world.infra, lifetime_seconds=900, check_longest_delay_seconds=300, settle_longest_delay_seconds=300
        )
        store: Any = world.store
        callers: Any = {name: Peer(world, name) for name in ("metadata", *CONSUMERS)}
        clients = ServiceClients(callers["metadata"], callers["quota"], callers)
        ends = settings, utc_now
        uploads = MongoUploads(database, settings.lease_seconds)
        no_blocks: Any = FakeBlocks(utc_now, settings.lease_seconds)
        unused: Any = None
        blocks = BlockService(no_blocks, runtime.transactor, unused, unused, store, unused, *ends)
        kind = SingleUploads(uploads, Verifier(store, uploads, settings), blocks, store, *ends)
        lifecycle = Lifecycle(kind, uploads, runtime.transactor, clients, runtime.republish, *ends)
        tokens = RedirectTokens(["secret"])
        instructions = UploadInstructions(store, settings, tokens, utc_now)
        self._service = UploadService(uploads, lifecycle, instructions, tokens, *ends)
        instance.start(lifecycle.worker.loop().run())

    async def handle(self, path: str, body: Any) -> Any:
        principal, items = body
        if path == "initiate":
            return await self._service.initiate(principal, items)
        return await self._service.complete(principal, items)


class MetadataInstance:
    """Commits versions of files, each upload once."""

    def __init__(self, runtime: EventRuntime, database: Any) -> None:
        self._runtime = runtime
        self._files = database["files"]
        self._commits = database["commits"]

    async def handle(self, path: str, body: Any) -> Json:
        if path.endswith("/uploads/check"):
            return {"results": [await self._check(body["account_id"], item["path"]) for item in body["items"]]}
        if path.endswith("/commits"):
            return {"results": [await self._commit(item) for item in body["items"]]}
        return {"republished": await self._runtime.republish(body["event_ids"])}

    async def _check(self, account_id: str, path: str) -> Json:
        file = await self._files.find_one({"_id": account_id + path}) or {"file": None, "version": 0}
        return {"owner_id": account_id, "path": path, "file_id": file["file"], "current_version": file["version"]}

    async def _commit(self, item: Json) -> Json:
        place = item["account_id"] + item["path"]

        async def work(transaction: Transaction) -> Json:
            done = await self._commits.find_one({"_id": item["upload_id"]}, session=transaction.session)
            if done is not None:
                answer: Json = done["answer"]
                return answer
            found = await self._files.find_one({"_id": place}, session=transaction.session)
            file, version = (found["file"], found["version"] + 1) if found else (new_id(), 1)
            event_id = transaction.publish(_event(item, file, version))
            shown = shown_file(id=file, path=item["path"], version=version, size=item["size"], sha256=item["sha256"])
            answer = {"file": shown, "version": version, "conflicted": False, "event_id": event_id}
            change = {"$set": {"file": file, "version": version}}
            await self._files.update_one({"_id": place}, change, upsert=True, session=transaction.session)
            await self._commits.insert_many([{"_id": item["upload_id"], "answer": answer}], session=transaction.session)
            return answer

        return await self._runtime.transactor.run(work, lane=place)


def _event(item: Json, file_id: str, version: int) -> Event:
    now = utc_now()
    state = FileState(
        file_id=file_id,
        owner_id=item["account_id"],
        parent_id="root",
        kind="file",
        name=item["path"],
        size=item["size"],
        content_type=item["content_type"],
        sha256=item["sha256"],
        version=version,
        created_at=now,
        modified_at=now,
        modified_by=item["account_id"],
        object_key=item["object_key"],
    )
    facts = {"file": state, "path": item["path"], "actor_id": item["account_id"], "upload_id": item["upload_id"]}
    if version == 1:
        return FileCreated(revision=version, **facts)
    return FileModified(revision=version, added_bytes=item["size"], **facts)


class Recorder(Subscribers[list[Envelope[Event]]]):
    """Appends each event of a file or upload to what was applied to it. Fails where it is told to."""

    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self) -> list[Envelope[Event]]:
        return []

    def _add(self, envelope: Envelope[Event], batch: list[Envelope[Event]]) -> None:
        if self._world.to_fail and envelope.id not in self._world.failing:
            self._world.failing[envelope.id] = self._world.to_fail.pop()
        left = self._world.failing.get(envelope.id, 0)
        if left:
            self._world.failing[envelope.id] = left - 1
            raise ValueError("this event can't be handled now")
        batch.append(envelope)

    on_file_created = on_file_modified = _add

    async def commit(self, batch: list[Envelope[Event]], transaction: Transaction) -> None:
        applied: dict[str, list[tuple[str, int]]] = {}
        for envelope in batch:
            applied.setdefault(envelope.event.key(), []).append((envelope.id, envelope.event.revision))
        writes = [
            UpdateOne({"_id": key}, {"$push": {"applied": {"$each": some}}}, upsert=True)
            for key, some in applied.items()
        ]
        await transaction.database["applied"].bulk_write(writes, ordered=False, session=transaction.session)


class CompletionRecorder(Recorder):
    """What handles the events of uploads."""

    on_upload_initiated = on_upload_completed = on_upload_expired = on_upload_aborted = on_upload_stalled = (
        Recorder._add
    )
