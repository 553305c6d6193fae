"""Composition root of the media service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contents.workers.pool import empty
from docstore_contents.workers.sandbox.watch import SandboxWatch
from docstore_contracts.metadata import MetadataClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_media import metrics
from docstore_media.consistency.repository import MongoStoredRenditions
from docstore_media.consistency.service import PreviewConsistency
from docstore_media.previews.api import internal_preview_router, media_router
from docstore_media.previews.repository import MongoPreviews
from docstore_media.previews.service import REMOVE_WAKEUP, RENDER_WAKEUP, RETRY_WAKEUP, PreviewService
from docstore_media.previews.worker import RenderingWorker
from docstore_media.rendering.renderer import WorkerRenderer
from docstore_media.settings import MediaSettings
from docstore_media.subscribers import MediaSubscribers
from docstore_media.variants import service as variant_service
from docstore_media.variants.api import internal_picture_router, preview_router
from docstore_media.variants.kept_pdfs import KeptPdfs
from docstore_media.variants.repository import MongoVariants
from docstore_media.variants.service import VariantService
from docstore_media.variants.worker import Bounds, VariantWorker
from docstore_platform.clock import utc_now
from docstore_platform.consistency import consistency_router, from_secondary
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.web import service_app
from docstore_work.loop import Loop, running_loops

GAUGE_SECONDS = 15.0
IDLE_SECONDS = 15.0
"""The longest pause between two looks for retries, while there are none."""
MEGA = 1_000_000


def create_app(settings: MediaSettings | None = None) -> FastAPI:
    """Create the service; its lifespan opens and closes its resources."""
    settings = settings or MediaSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-media", pool_size=8)
    database = mongo.database(f"{infra.database_prefix}media")
    previews = MongoPreviews(database, lease_seconds=settings.lease_seconds)
    variants = MongoVariants(database, lease_seconds=settings.lease_seconds)
    config = S3Config.of(infra)
    objects = ObjectStore(config)
    pictures = ObjectStore(replace(config, bucket=infra.processed_bucket))
    client = ServiceClient("metadata", infra, "media")
    seconds = settings.preview_url_lifetime_seconds
    service = PreviewService(previews, MetadataClient(client), pictures, seconds=seconds)
    on_request = VariantService(
        service, variants, pictures, seconds=seconds, wait_seconds=settings.variant_wait_seconds
    )
    office = settings.office
    runtime = EventRuntime("media", infra, mongo, database, MediaSubscribers(service, reads_office=office is not None))
    folder = settings.folder.absolute()
    renderer = WorkerRenderer(
        Contents(objects),
        settings.limits,
        folder,
        max_pixels=settings.max_megapixels * MEGA,
        videos=settings.video_limits,
        pdfs=KeptPdfs(variants, previews, pictures, settings.max_document_bytes),
        office=office,
    )
    lease_seconds = settings.lease_seconds
    renditions = MongoStoredRenditions(database)
    consistency = PreviewConsistency(
        MongoStoredRenditions(from_secondary(database)), renditions, previews, pictures, utc_now
    )
    worker = RenderingWorker(previews, renderer, pictures, variants, runtime.transactor, lease_seconds=lease_seconds)
    bounds = Bounds(settings.variant_bytes_per_account, settings.variant_bytes)
    variant_worker = VariantWorker(variants, previews, renderer, pictures, lease_seconds=lease_seconds, bounds=bounds)

    sandbox = SandboxWatch("media", renderer.pool)

    async def wake_due() -> bool:
        await worker.wake_due()
        return await variant_worker.wake_due()

    async def report_pending() -> bool:
        sandbox.report()
        metrics.pending_renditions.set(await previews.count_pending())
        return False

    loops = [
        # More loops than workers: while one waits for a download, another uses the worker.
        *(Loop(f"media render {number}", worker.render, RENDER_WAKEUP) for number in range(settings.workers + 1)),
        Loop("media variants", variant_worker.render, variant_service.RENDER_WAKEUP),
        Loop("media videos", variant_worker.convert, variant_service.CONVERT_WAKEUP),
        Loop("media remove", worker.remove, REMOVE_WAKEUP),
        Loop("media remove variants", variant_worker.remove, variant_service.REMOVE_WAKEUP),
        Loop.periodic("media evict variants", variant_worker.evict, settings.variant_eviction_interval_seconds),
        Loop("media retries", wake_due, RETRY_WAKEUP, settings.poll_interval_seconds, idle_seconds=IDLE_SECONDS),
        Loop("media gauges", report_pending, "media:gauges", GAUGE_SECONDS),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.push_async_callback(client.close)
            empty(folder)
            await stack.enter_async_context(objects)
            await stack.enter_async_context(pictures)
            stack.push_async_callback(renderer.close)
            for queue in (previews, variants):
                await queue.create_indexes()
                if infra.single_instance:
                    await queue.release_all()
            await stack.enter_async_context(running_loops(loops))
            await stack.enter_async_context(runtime.running())
            yield

    return service_app(
        "media",
        infra,
        lifespan=lifespan,
        public=[preview_router(service, on_request), media_router(service)],
        internal=[
            internal_preview_router(service),
            internal_picture_router(service, on_request),
            consistency_router({"previews": consistency.check}),
            operations_router(runtime, database, waiting=("upload",)),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
        partial_checks={"parser_sandbox": sandbox.check},
    )
