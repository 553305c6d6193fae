"""Composition root of the media service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from fastapi import FastAPI

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contents.workers.pool import empty
from docstore_contents.workers.sandbox.watch import SandboxWatch
from docstore_contracts.metadata import MetadataClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transactor
from docstore_media import metrics
from docstore_media.consistency.repository import MongoStoredRenditions
from docstore_media.consistency.service import PreviewConsistency
from docstore_media.previews.api import internal_preview_router, media_router
from docstore_media.previews.repository import MongoPreviews
from docstore_media.previews.service import REMOVE_WAKEUP, RENDER_WAKEUP, RETRY_WAKEUP, PreviewService
from docstore_media.previews.worker import RenderingWorker
from docstore_media.rendering.office import Office
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
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient
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
    runtime = EventRuntime("media", infra, mongo, database)
    client = ServiceClient("metadata", infra, "media")
    stores = _Stores(settings, database)
    seconds, pictures = settings.preview_url_lifetime_seconds, stores.pictures
    previews = PreviewService(stores.previews, MetadataClient(client), pictures, seconds=seconds)
    variants = VariantService(
        previews, stores.variants, pictures, seconds=seconds, wait_seconds=settings.variant_wait_seconds
    )
    office = settings.office
    runtime.subscribe(MediaSubscribers(previews, reads_office=office is not None))
    renderer = _renderer(settings, stores, office)
    sandbox = SandboxWatch("media", renderer.pool)
    loops = [
        *_rendering_loops(settings, stores, renderer, runtime.transactor),
        Loop("media gauges", partial(_report_pending, stores, sandbox), "media:gauges", GAUGE_SECONDS),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.push_async_callback(client.close)
            empty(settings.folder.absolute())
            await stack.enter_async_context(stores.objects)
            await stack.enter_async_context(pictures)
            stack.push_async_callback(renderer.close)
            await stores.prepare(release=infra.single_instance)
            await stack.enter_async_context(running_loops(loops))
            await stack.enter_async_context(runtime.running())
            yield

    return service_app(
        "media",
        infra,
        lifespan=lifespan,
        public=[preview_router(previews, variants), media_router(previews)],
        internal=[
            internal_preview_router(previews),
            internal_picture_router(previews, variants),
            consistency_router({"previews": _consistency(stores, database).check}),
            operations_router(runtime, database, waiting=("upload",)),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
        partial_checks={"parser_sandbox": sandbox.check},
    )


class _Stores:
    """The repositories, the bucket of contents and that of pictures."""

    def __init__(self, settings: MediaSettings, database: Database) -> None:
        config = S3Config.of(settings.infra)
        self.previews = MongoPreviews(database, lease_seconds=settings.lease_seconds)
        self.variants = MongoVariants(database, lease_seconds=settings.lease_seconds)
        self.objects = ObjectStore(config)
        self.pictures = ObjectStore(replace(config, bucket=settings.infra.processed_bucket))

    async def prepare(self, *, release: bool) -> None:
        """Create indexes; `release`: what is claimed is a former run's."""
        for queue in (self.previews, self.variants):
            await queue.create_indexes()
            if release:
                await queue.release_all()


def _renderer(settings: MediaSettings, stores: _Stores, office: Office | None) -> WorkerRenderer:
    return WorkerRenderer(
        Contents(stores.objects),
        settings.limits,
        settings.folder.absolute(),
        max_pixels=settings.max_megapixels * MEGA,
        videos=settings.video_limits,
        pdfs=KeptPdfs(stores.variants, stores.previews, stores.pictures, settings.max_document_bytes),
        office=office,
    )


def _rendering_loops(
    settings: MediaSettings, stores: _Stores, renderer: WorkerRenderer, transactor: Transactor
) -> list[Loop]:
    previews, variants, pictures = stores.previews, stores.variants, stores.pictures
    lease_seconds = settings.lease_seconds
    worker = RenderingWorker(previews, renderer, pictures, variants, transactor, lease_seconds=lease_seconds)
    bounds = Bounds(settings.variant_bytes_per_account, settings.variant_bytes)
    variant_worker = VariantWorker(variants, previews, renderer, pictures, lease_seconds=lease_seconds, bounds=bounds)

    async def wake_due() -> bool:
        await worker.wake_due()
        return await variant_worker.wake_due()

    return [
        # More loops than workers: while one waits for a download, another uses the worker.
        *(Loop(f"media render {number}", worker.render, RENDER_WAKEUP) for number in range(settings.workers + 1)),
        Loop("media variants", variant_worker.render, variant_service.RENDER_WAKEUP),
        Loop("media videos", variant_worker.convert, variant_service.CONVERT_WAKEUP),
        Loop("media remove", worker.remove, REMOVE_WAKEUP),
        Loop("media remove variants", variant_worker.remove, variant_service.REMOVE_WAKEUP),
        Loop.periodic("media evict variants", variant_worker.evict, settings.variant_eviction_interval_seconds),
        Loop("media retries", wake_due, RETRY_WAKEUP, settings.poll_interval_seconds, idle_seconds=IDLE_SECONDS),
    ]


async def _report_pending(stores: _Stores, sandbox: SandboxWatch) -> bool:
    sandbox.report()
    metrics.pending_renditions.set(await stores.previews.count_pending())
    return False


def _consistency(stores: _Stores, database: Database) -> PreviewConsistency:
    primary, secondary = MongoStoredRenditions(database), MongoStoredRenditions(from_secondary(database))
    return PreviewConsistency(secondary, primary, stores.previews, stores.pictures, utc_now)
