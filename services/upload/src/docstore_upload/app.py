"""Composition root of the upload service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from docstore_contents.deletion_hold import deletions_held
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contracts.consistency import CheckName
from docstore_events.catalogue import ACKNOWLEDGED
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_platform.clock import utc_now
from docstore_platform.consistency import Check, consistency_router, from_secondary
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.security.secret_list import secret_list
from docstore_platform.services import ServiceName
from docstore_platform.web import service_app
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
    transactor = runtime.transactor
    uploads = MongoUploads(database, settings.lease_seconds, clock)
    cold_objects = MongoColdObjects(database, COLD_LEASE_SECONDS, clock)
    unused_contents = MongoUnusedContents(database, transactor, cold_objects)
    stored_blocks = MongoBlocks(database, transactor, cold_objects, settings.lease_seconds, clock)
    packs = MongoPacks(database, settings.lease_seconds, clock)
    passes = MongoPasses(database, settings.lease_seconds, clock)
    is_held = partial(deletions_held, database)
    checks: dict[CheckName, Check] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            for repository in (uploads, stored_blocks, packs, cold_objects):
                await repository.create_indexes()
            await passes.begin()
            metrics.stalled.set(await uploads.count_stalled())
            metrics.stalled_packs.set(await packs.count_stalled())
            store = await stack.enter_async_context(ObjectStore(S3Config.of(infra)))
            clients: dict[str, ServiceClient] = {name: ServiceClient(name, infra, NAME) for name in CALLED_SERVICES}
            for client in clients.values():
                stack.push_async_callback(client.close)
            await stack.enter_async_context(runtime.running())
            services = ServiceClients(clients["metadata"], clients["quota"], clients)
            shared = transactor, services, runtime.republish, settings, clock

            prover = BlockProver(stored_blocks, store, settings, clock)
            unclaimed = UnclaimedBlocks(stored_blocks, uploads, services, settings, clock)
            blocks = BlockService(stored_blocks, transactor, prover, unclaimed, store, is_held, settings, clock)
            app.state.blocks = blocks

            verifier = Verifier(store, uploads, settings)
            stack.push_async_callback(verifier.close)
            kind = SingleUploads(uploads, verifier, blocks, store, settings, clock)
            single = Lifecycle(kind, uploads, *shared)
            tokens = RedirectTokens(secret_list("UPLOAD_REDIRECT_SECRETS", settings.redirect_secrets, infra))
            instructions = UploadInstructions(store, settings, tokens, clock)
            app.state.uploads = uploads
            app.state.service = UploadService(uploads, single, instructions, tokens, settings, clock)

            pack_kind = PackKind(packs, store, is_held, settings, clock)
            packed = Lifecycle(pack_kind, packs, *shared)
            app.state.packs = PackService(packs, packed, store, settings, clock)

            retriever = ColdObjectService(cold_objects, store, infra.archive_tier)
            unused = UnusedContentService(unused_contents, retriever, store, clock)
            app.state.unused_contents = unused
            unreferenced = UnreferencedContents(blocks, stored_blocks, packs, uploads, unused, settings, clock)
            app.state.unreferenced_contents = unreferenced
            strays = StraySweep(passes, uploads, stored_blocks, packs, store, settings, clock)
            consistency = UploadConsistency(
                MongoStoredPages(from_secondary(database)),
                MongoStoredPages(database),
                MongoDueTransfers(database, clock),
                strays,
                store,
                clock,
            )
            checks["uploads"], checks["packs"] = consistency.uploads, consistency.packs
            checks["blocks"], checks["objects"] = consistency.blocks, consistency.objects
            loops = [
                single.worker.loop(),
                packed.worker.loop(),
                DiscardedBlocksWorker(stored_blocks, store, is_held, settings, clock).loop(),
                UnsizedBlocksWorker(stored_blocks, prover, settings, clock).loop(),
                Loop("upload unclaimed", unclaimed.sweep, "upload:unclaimed", settings.unclaimed_interval_seconds),
                Loop("upload strays", strays.sweep, "upload:strays", settings.stray_page_delay_seconds),
            ]
            if infra.archive_class:
                loops.append(ColdObjectsWorker(cold_objects, store, settings, clock).loop())
            await stack.enter_async_context(running_loops(loops))
            yield

    return service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[browser_redirect.router, sessions_api.router, blocks_api.router, packs_api.router],
        internal=[
            sessions_api.internal_router,
            unreferenced_api.internal_router,
            unused_api.internal_router,
            consistency_router(checks),
            operations_router(runtime, database),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping},
    )
