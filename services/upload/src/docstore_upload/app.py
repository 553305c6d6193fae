"""Wires the upload service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from docstore_contents.deletion_hold import IsHeld, deletions_held
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_events.catalogue import ACKNOWLEDGED
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_platform.clock import utc_now
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.secret_list import secret_list
from docstore_platform.services import ServiceName
from docstore_platform.web import service_app
from docstore_upload import metrics
from docstore_upload.blocks import api as blocks_api
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.blocks.repository import MongoBlocks
from docstore_upload.blocks.service import BlockService
from docstore_upload.blocks.unclaimed import UnclaimedBlocks
from docstore_upload.blocks.worker import DiscardedBlocksWorker, UnsizedBlocksWorker
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.final_check import FinalCheck
from docstore_upload.lifecycle.worker import DueWork
from docstore_upload.packs import api as packs_api
from docstore_upload.packs.complete import PackCompleter
from docstore_upload.packs.final_check import CheckedPacks
from docstore_upload.packs.initiate import PackInitiator
from docstore_upload.packs.repository import MongoPacks
from docstore_upload.packs.service import PackService
from docstore_upload.packs.worker import PackWorker
from docstore_upload.sessions import api as sessions_api
from docstore_upload.sessions import browser_redirect
from docstore_upload.sessions.complete import Completer
from docstore_upload.sessions.final_check import CheckedUploads
from docstore_upload.sessions.initiate import Initiator
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.repository import MongoUploads
from docstore_upload.sessions.service import UploadService
from docstore_upload.sessions.termination import Termination
from docstore_upload.sessions.verify import Verifier
from docstore_upload.sessions.worker import SessionWorker
from docstore_upload.settings import UploadSettings
from docstore_upload.strays.repository import MongoPasses
from docstore_upload.strays.service import StraySweep
from docstore_upload.unreferenced import api as unreferenced_api
from docstore_upload.unreferenced.service import LateWriteCleanup, SliceRelease, UnreferencedContents
from docstore_work.loop import Loop, running_loops

NAME: ServiceName = "upload"
CALLED_SERVICES: frozenset[ServiceName] = frozenset({"metadata", "quota", *ACKNOWLEDGED})


def create_app(settings: UploadSettings | None = None) -> FastAPI:
    """The upload service, ready to be served."""
    settings = settings or UploadSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    runtime = EventRuntime(NAME, infra, mongo, database)
    uploads = MongoUploads(database, settings.lease_seconds, utc_now)
    blocks = MongoBlocks(database, runtime.transactor, settings.lease_seconds, utc_now)
    packs = MongoPacks(database, settings.lease_seconds, utc_now)
    passes = MongoPasses(database, settings.lease_seconds, utc_now)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            await uploads.create_indexes()
            await blocks.create_indexes()
            await packs.create_indexes()
            await passes.begin()
            metrics.stalled.set(await uploads.count_stalled())
            metrics.stalled_packs.set(await packs.count_stalled())
            store = await stack.enter_async_context(ObjectStore(S3Config.of(infra)))
            clients: dict[str, ServiceClient] = {name: ServiceClient(name, infra, NAME) for name in CALLED_SERVICES}
            for client in clients.values():
                stack.push_async_callback(client.close)
            await stack.enter_async_context(runtime.running())
            services = ServiceClients(clients["metadata"], clients["quota"], clients)
            is_held = partial(deletions_held, database)
            working = _working(app, settings, runtime, uploads, blocks, packs, passes, store, is_held, services)
            await stack.enter_async_context(working)
            yield

    return service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[browser_redirect.router, sessions_api.router, blocks_api.router, packs_api.router],
        internal=[sessions_api.internal_router, unreferenced_api.internal_router, operations_router(runtime, database)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping},
    )


@asynccontextmanager
async def _working(
    app: FastAPI,
    settings: UploadSettings,
    runtime: EventRuntime,
    uploads: MongoUploads,
    blocks: MongoBlocks,
    packs: MongoPacks,
    passes: MongoPasses,
    store: ObjectStore,
    is_held: IsHeld,
    services: ServiceClients,
) -> AsyncIterator[None]:
    """The use cases for the routes, and the workflow and the deletion of blocks in the background."""
    transactor = runtime.transactor
    tokens = RedirectTokens(secret_list("UPLOAD_REDIRECT_SECRETS", settings.redirect_secrets, settings.infra))
    instructions = UploadInstructions(store, settings, tokens, utc_now)
    verifier = Verifier(store, uploads, settings)
    prover = BlockProver(blocks, store, settings, utc_now)
    unclaimed = UnclaimedBlocks(blocks, uploads, services, settings, utc_now)
    block_uploads = BlockService(blocks, prover, unclaimed, store, is_held, settings, utc_now)
    termination = Termination(uploads, transactor, block_uploads, store, utc_now)
    completer = Completer(uploads, transactor, services, verifier, block_uploads, termination, settings, utc_now)
    initiator = Initiator(uploads, transactor, services, instructions, settings, utc_now)
    checking = transactor, services, runtime.republish, settings, utc_now
    final_check = FinalCheck(CheckedUploads(uploads, settings, utc_now), *checking)
    workflow = SessionWorker(uploads, completer, verifier, termination, final_check, settings, utc_now)
    app.state.uploads = uploads
    app.state.service = UploadService(uploads, initiator, completer, termination, instructions, tokens)
    app.state.blocks = block_uploads
    app.state.unreferenced_contents = UnreferencedContents(
        block_uploads, SliceRelease(packs, utc_now), LateWriteCleanup(uploads, blocks, settings, utc_now)
    )
    sweeper = DiscardedBlocksWorker(blocks, store, is_held, settings, utc_now)
    pack_completer = PackCompleter(packs, transactor, services, store, settings, utc_now)
    pack_initiator = PackInitiator(packs, transactor, services, store, settings, utc_now)
    app.state.packs = PackService(packs, pack_initiator, pack_completer, store, utc_now)
    pack_workflow = PackWorker(
        packs, pack_completer, FinalCheck(CheckedPacks(packs, utc_now), *checking), store, is_held, settings, utc_now
    )
    works: list[DueWork[Any]] = [
        workflow,
        sweeper,
        pack_workflow,
        UnsizedBlocksWorker(blocks, prover, settings, utc_now),
    ]
    strays = StraySweep(passes, uploads, blocks, packs, store, settings, utc_now)
    loops = [
        *(work.loop() for work in works),
        Loop("upload unclaimed", unclaimed.sweep, "upload:unclaimed", settings.unclaimed_sweep_seconds),
        Loop("upload strays", strays.sweep, "upload:strays", settings.stray_page_seconds),
    ]
    try:
        async with running_loops(loops):
            yield
    finally:
        await verifier.close()
