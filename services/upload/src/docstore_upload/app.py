"""Composition root of the upload service."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from docstore_contents.deletion_hold import deletions_held
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contracts.consistency import CheckName
from docstore_events.catalogue import ACKNOWLEDGED
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transactor
from docstore_platform.clock import Clock, utc_now
from docstore_platform.consistency import Check, consistency_router, from_secondary
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.security.secret_list import secret_list
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient
from docstore_platform.services import ServiceName
from docstore_upload import metrics
from docstore_upload.blocks import api as blocks_api
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.blocks.repository import MongoBlocks
from docstore_upload.blocks.service import BlockService
from docstore_upload.blocks.unclaimed import UnclaimedBlocks
from docstore_upload.blocks.worker import DiscardedBlocksWorker, UnsizedBlocksWorker
from docstore_upload.cold_objects.repository import MongoColdObjects
from docstore_upload.cold_objects.service import ColdObjectService
from docstore_upload.cold_objects.worker import ColdObjectsWorker
from docstore_upload.consistency.repository import MongoDueTransfers, MongoStoredPages
from docstore_upload.consistency.service import UploadConsistency
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.lifecycle import Lifecycle
from docstore_upload.packs import api as packs_api
from docstore_upload.packs.kind import PackKind
from docstore_upload.packs.repository import MongoPacks
from docstore_upload.packs.service import PackService
from docstore_upload.sessions import api as sessions_api
from docstore_upload.sessions import browser_redirect
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.kind import SingleUploads
from docstore_upload.sessions.repository import MongoUploads
from docstore_upload.sessions.service import UploadService
from docstore_upload.sessions.verify import Verifier
from docstore_upload.settings import UploadSettings
from docstore_upload.strays.repository import MongoPasses
from docstore_upload.strays.service import StraySweep
from docstore_upload.unreferenced import api as unreferenced_api
from docstore_upload.unreferenced.service import UnreferencedContents
from docstore_upload.unused import api as unused_api
from docstore_upload.unused.repository import MongoUnusedContents
from docstore_upload.unused.service import UnusedContentService
from docstore_work.loop import Loop, running_loops

NAME: ServiceName = "upload"
GAUGE_SECONDS = 60.0
COLD_LEASE_SECONDS = 900.0
"""Longer than the store takes to copy an object within it."""
CALLED_SERVICES: frozenset[ServiceName] = frozenset({"metadata", "quota", *ACKNOWLEDGED})


def create_app(settings: UploadSettings | None = None) -> FastAPI:
    """The upload service, ready to be served."""
    settings = settings or UploadSettings()
    infra, clock = settings.infra, utc_now
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    runtime = EventRuntime(NAME, infra, mongo, database)
    stores = _Stores(settings, database, runtime.transactor, clock)
    objects = ObjectStore(S3Config.of(infra))
    clients: dict[str, ServiceClient] = {name: ServiceClient(name, infra, NAME) for name in CALLED_SERVICES}
    features = _Features(settings, stores, objects, runtime, clients, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            await stores.create_indexes()
            await stack.enter_async_context(objects)
            for client in clients.values():
                stack.push_async_callback(client.close)
            await stack.enter_async_context(runtime.running())
            stack.push_async_callback(features.drain)
            stack.push_async_callback(features.verifier.close)
            await stack.enter_async_context(running_loops(features.loops))
            yield

    app = service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[browser_redirect.router, sessions_api.router, blocks_api.router, packs_api.router],
        internal=[
            sessions_api.internal_router,
            unreferenced_api.internal_router,
            unused_api.internal_router,
            consistency_router(_checks(features.strays, database, objects, clock)),
            operations_router(runtime, database),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping},
    )
    app.state.uploads, app.state.service = stores.uploads, features.uploads
    app.state.blocks, app.state.packs = features.blocks, features.packs
    app.state.unused_contents, app.state.unreferenced_contents = features.unused, features.unreferenced
    return app


class _Stores:
    """The repositories."""

    def __init__(self, settings: UploadSettings, database: Database, transactor: Transactor, clock: Clock) -> None:
        lease_seconds = settings.lease_seconds
        self.uploads = MongoUploads(database, lease_seconds, clock)
        self.cold_objects = MongoColdObjects(database, COLD_LEASE_SECONDS, clock)
        self.unused_contents = MongoUnusedContents(database, transactor, self.cold_objects)
        self.blocks = MongoBlocks(database, transactor, self.cold_objects, lease_seconds, clock)
        self.packs = MongoPacks(database, lease_seconds, clock)
        self.passes = MongoPasses(database, lease_seconds, clock)
        self.is_held = partial(deletions_held, database)

    async def create_indexes(self) -> None:
        for repository in (self.uploads, self.blocks, self.packs, self.cold_objects):
            await repository.create_indexes()
        await self.passes.begin()

    async def report(self) -> int:
        """Set the gauges that alerts watch, to the same figures in all instances: else one would keep its last."""
        metrics.stalled.set(await self.uploads.count_stalled())
        metrics.stalled_packs.set(await self.packs.count_stalled())
        found = await self.passes.last_found()
        metrics.unclaimed_bytes.labels("left_over").set(found.left_over_bytes)
        metrics.unclaimed_bytes.labels("unknown").set(found.unknown_bytes)
        return 0


class _Features:
    """The use cases, each built on those above it, and their background work."""

    def __init__(
        self,
        settings: UploadSettings,
        stores: _Stores,
        objects: ObjectStore,
        runtime: EventRuntime,
        clients: Mapping[str, ServiceClient],
        clock: Clock,
    ) -> None:
        infra, transactor, is_held = settings.infra, runtime.transactor, stores.is_held
        uploads, packs = stores.uploads, stores.packs
        services = ServiceClients(clients["metadata"], clients["quota"], clients)
        shared = transactor, services, runtime.republish, settings, clock

        prover = BlockProver(stores.blocks, objects, settings, clock)
        unclaimed = UnclaimedBlocks(stores.blocks, uploads, services, settings, clock)
        self.blocks = BlockService(stores.blocks, transactor, prover, unclaimed, objects, is_held, settings, clock)

        self.verifier = Verifier(objects, uploads, settings)
        single = Lifecycle(
            SingleUploads(uploads, self.verifier, self.blocks, objects, settings, clock), uploads, *shared
        )
        tokens = RedirectTokens(secret_list("UPLOAD_REDIRECT_SECRETS", settings.redirect_secrets, infra))
        instructions = UploadInstructions(objects, settings, tokens, clock)
        self.uploads = UploadService(uploads, single, instructions, tokens, settings, clock)

        packed = Lifecycle(PackKind(packs, objects, is_held, settings, clock), packs, *shared)
        self.packs = PackService(packs, packed, objects, settings, clock)

        retriever = ColdObjectService(stores.cold_objects, objects, infra.archive_tier)
        self.unused = UnusedContentService(stores.unused_contents, retriever, objects, clock)
        self.unreferenced = UnreferencedContents(
            self.blocks, stores.blocks, packs, uploads, self.unused, settings, clock
        )
        self.strays = StraySweep(stores.passes, uploads, stores.blocks, packs, objects, settings, clock)
        self._finishers = single.finisher, packed.finisher
        self.loops = [
            single.worker.loop(),
            packed.worker.loop(),
            DiscardedBlocksWorker(stores.blocks, objects, is_held, settings, clock).loop(),
            UnsizedBlocksWorker(stores.blocks, prover, settings, clock).loop(),
            Loop("upload unclaimed", unclaimed.sweep, "upload:unclaimed", settings.unclaimed_interval_seconds),
            Loop("upload strays", self.strays.sweep, "upload:strays", settings.stray_page_delay_seconds),
            Loop("upload gauges", stores.report, metrics.GAUGES, GAUGE_SECONDS),
        ]
        if infra.archive_class:
            self.loops.append(ColdObjectsWorker(stores.cold_objects, objects, settings, clock).loop())

    async def drain(self) -> None:
        """Wait for what was answered but is not finished yet."""
        for finisher in self._finishers:
            await finisher.drain()


def _checks(strays: StraySweep, database: Database, objects: ObjectStore, clock: Clock) -> Mapping[CheckName, Check]:
    primary, secondary = MongoStoredPages(database), MongoStoredPages(from_secondary(database))
    consistency = UploadConsistency(secondary, primary, MongoDueTransfers(database, clock), strays, objects, clock)
    return {
        "uploads": consistency.uploads,
        "packs": consistency.packs,
        "blocks": consistency.blocks,
        "objects": consistency.objects,
    }
