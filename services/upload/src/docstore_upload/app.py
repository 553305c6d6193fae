"""Wires the upload service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI

from docstore_contents.deletion_hold import IsHeld, deletions_held
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_platform.clock import utc_now
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.secret_list import secret_list
from docstore_platform.settings import ServiceName
from docstore_platform.tasks import end_tasks
from docstore_platform.web import service_app
from docstore_upload import api, blocks_api, metrics, packs_api, redirect
from docstore_upload.block_proof import BlockProver
from docstore_upload.block_repository import MongoBlocks
from docstore_upload.block_sweeper import BlockSweeper
from docstore_upload.block_uploads import BlockUploads
from docstore_upload.complete import Completer
from docstore_upload.due_work import DueWork
from docstore_upload.ending import Ending
from docstore_upload.final_check import FinalCheck
from docstore_upload.initiate import Initiator
from docstore_upload.late_puts import LatePuts
from docstore_upload.means import Means, RedirectTokens
from docstore_upload.pack_complete import PackCompleter
from docstore_upload.pack_initiate import PackInitiator
from docstore_upload.pack_service import PackService
from docstore_upload.pack_store import MongoPacks
from docstore_upload.pack_workflow import PackWorkflow
from docstore_upload.packs_release import PackReleaser
from docstore_upload.peers import Peers
from docstore_upload.released import ReleasedContents
from docstore_upload.service import UploadService
from docstore_upload.settings import UploadSettings
from docstore_upload.storage import MongoUploads
from docstore_upload.unclaimed.repository import MongoPasses
from docstore_upload.unclaimed.service import UnclaimedBlocks
from docstore_upload.unclaimed.strays import StraySweep
from docstore_upload.unclaimed.worker import UnsizedBlocks
from docstore_upload.verify import Verifier
from docstore_upload.workflow import Workflow
from docstore_work.loop import Loop, running_loops

NAME: ServiceName = "upload"
PEERS: tuple[ServiceName, ...] = ("metadata", "quota", "indexer", "media", "notify")


def create_app(settings: UploadSettings | None = None) -> FastAPI:
    """The upload service, ready to be served."""
    settings = settings or UploadSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    runtime = EventRuntime(NAME, infra, mongo, database)
    uploads = MongoUploads(database)
    blocks = MongoBlocks(database, runtime.transactor)
    packs = MongoPacks(database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            await uploads.create_indexes()
            await blocks.create_indexes()
            await packs.create_indexes()
            metrics.stalled.set(await uploads.count_stalled())
            metrics.stalled_packs.set(await packs.count_stalled())
            store = await stack.enter_async_context(ObjectStore(S3Config.of(infra)))
            clients = [ServiceClient(name, infra, NAME) for name in PEERS]
            for client in clients:
                stack.push_async_callback(client.close)
            await stack.enter_async_context(runtime.running())
            peers = Peers(*clients)
            is_held = partial(deletions_held, database)
            passes = MongoPasses(database)
            working = _working(app, settings, runtime, uploads, blocks, packs, passes, store, is_held, peers)
            await stack.enter_async_context(working)
            yield

    return service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[redirect.router, api.router, blocks_api.router, packs_api.router],
        internal=[api.internal_router, blocks_api.internal_router, operations_router(runtime, database)],
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
    peers: Peers,
) -> AsyncIterator[None]:
    """The use cases for the routes, and the workflow and the deletion of blocks in the background."""
    transactor = runtime.transactor
    tokens = RedirectTokens(secret_list("UPLOAD_REDIRECT_SECRETS", settings.redirect_secrets, settings.infra))
    means = Means(store, settings, tokens, utc_now)
    verifier = Verifier(store, uploads, settings)
    prover = BlockProver(blocks, store, settings, utc_now)
    unclaimed = UnclaimedBlocks(blocks, uploads, peers, settings, utc_now)
    block_uploads = BlockUploads(uploads, blocks, transactor, prover, unclaimed, store, is_held, settings, utc_now)
    ending = Ending(uploads, transactor, block_uploads, store, utc_now)
    completer = Completer(uploads, transactor, peers, verifier, block_uploads, ending, settings, utc_now)
    initiator = Initiator(uploads, transactor, peers, means, settings, utc_now)
    final_check = FinalCheck(uploads, transactor, peers, runtime.republish, settings, utc_now)
    workflow = Workflow(uploads, completer, verifier, ending, final_check, settings, utc_now)
    app.state.uploads = uploads
    app.state.service = UploadService(uploads, initiator, completer, ending, means, tokens)
    app.state.blocks = block_uploads
    app.state.released_contents = ReleasedContents(
        block_uploads, PackReleaser(packs, utc_now), LatePuts(uploads, blocks, settings, utc_now)
    )
    sweeper = BlockSweeper(blocks, store, is_held, settings, utc_now)
    pack_completer = PackCompleter(packs, transactor, peers, store, settings, utc_now)
    pack_initiator = PackInitiator(packs, transactor, peers, store, settings, utc_now)
    app.state.packs = PackService(packs, pack_initiator, pack_completer, store, utc_now)
    pack_workflow = PackWorkflow(
        packs, transactor, pack_completer, peers, runtime.republish, store, is_held, settings, utc_now
    )
    works: list[DueWork[Any]] = [workflow, sweeper, pack_workflow, UnsizedBlocks(blocks, prover, settings, utc_now)]
    strays = StraySweep(passes, uploads, blocks, packs, store, settings, utc_now)
    loops = [
        Loop("upload unclaimed", unclaimed.sweep, "upload:unclaimed", settings.unclaimed_sweep_seconds),
        Loop("upload strays", strays.sweep, "upload:strays", settings.stray_page_seconds),
    ]
    tasks = [asyncio.create_task(work.run(), name=f"due {work.name}") for work in works]
    try:
        async with running_loops(loops):
            yield
    finally:
        await end_tasks(tasks)
        await verifier.close()
