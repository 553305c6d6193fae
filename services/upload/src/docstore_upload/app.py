"""Wires the upload service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime, end_tasks
from docstore_platform.clock import utc_now
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.s3 import ObjectStore, S3Config
from docstore_platform.settings import ServiceName
from docstore_platform.web import service_app
from docstore_upload import api, metrics, redirect
from docstore_upload.complete import Completer
from docstore_upload.ending import Ending
from docstore_upload.final_check import FinalCheck
from docstore_upload.initiate import Initiator
from docstore_upload.means import Means, RedirectTokens
from docstore_upload.peers import Peers
from docstore_upload.service import UploadService
from docstore_upload.settings import UploadSettings
from docstore_upload.storage import MongoUploads
from docstore_upload.verify import Verifier
from docstore_upload.workflow import Workflow

NAME: ServiceName = "upload"
PEERS: tuple[ServiceName, ...] = ("metadata", "quota", "indexer", "notify")


def create_app(settings: UploadSettings | None = None) -> FastAPI:
    """The upload service, ready to be served."""
    settings = settings or UploadSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    runtime = EventRuntime(NAME, infra, mongo, database)
    uploads = MongoUploads(database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            await uploads.create_indexes()
            metrics.stalled.set(await uploads.count_stalled())
            store = await stack.enter_async_context(ObjectStore(S3Config.of(infra)))
            clients = [ServiceClient(name, infra) for name in PEERS]
            for client in clients:
                stack.push_async_callback(client.close)
            await stack.enter_async_context(runtime.running())
            await stack.enter_async_context(_working(app, settings, runtime, uploads, store, Peers(*clients)))
            yield

    return service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[redirect.router, api.router],
        internal=[api.internal_router, operations_router(runtime, database)],
        checks={"mongo": mongo.ping},
    )


@asynccontextmanager
async def _working(
    app: FastAPI,
    settings: UploadSettings,
    runtime: EventRuntime,
    uploads: MongoUploads,
    store: ObjectStore,
    peers: Peers,
) -> AsyncIterator[None]:
    """The use cases for the routes, and the workflow in the background."""
    transactor = runtime.transactor
    tokens = RedirectTokens(settings.infra.internal_secret.get_secret_value())
    means = Means(store, settings, tokens, utc_now)
    verifier = Verifier(store, uploads, settings)
    ending = Ending(uploads, transactor, store, utc_now)
    completer = Completer(uploads, transactor, peers, verifier, ending, settings, utc_now)
    initiator = Initiator(uploads, transactor, peers, means, settings, utc_now)
    final_check = FinalCheck(uploads, transactor, peers, runtime.republish, settings, utc_now)
    workflow = Workflow(uploads, completer, ending, final_check, settings, utc_now)
    app.state.uploads = uploads
    app.state.service = UploadService(uploads, initiator, completer, ending, means, tokens)
    task = asyncio.create_task(workflow.run(), name="upload workflow")
    try:
        yield
    finally:
        await end_tasks([task])
        await verifier.close()
