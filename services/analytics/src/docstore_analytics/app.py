"""The analytics service put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI

from docstore_analytics.activity import Activity
from docstore_analytics.activity_api import activity_router
from docstore_analytics.activity_store import MongoActivity
from docstore_analytics.api import public_router
from docstore_analytics.archive import Archive
from docstore_analytics.archive_store import ArchiveStore, SegmentLimits
from docstore_analytics.audit_anchors import Anchors, MongoAnchorNotes
from docstore_analytics.audit_chain import Chain
from docstore_analytics.audit_keys import chain_keys
from docstore_analytics.audit_log import AuditLog
from docstore_analytics.audit_seals import AuditSeals
from docstore_analytics.files import MetadataFiles
from docstore_analytics.reports import Reports
from docstore_analytics.service import AnalyticsService
from docstore_analytics.settings import AnalyticsSettings
from docstore_analytics.storage import MongoStore
from docstore_analytics.subscribers import AnalyticsSubscribers
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Collection, Mongo
from docstore_platform.web import service_app
from docstore_work.leader_lease import LeaderLease
from docstore_work.loop import Loop, running_loops


def create_app(settings: AnalyticsSettings | None = None) -> FastAPI:
    """The service, ready to be served; its lifespan opens and closes what it needs."""
    settings = settings or AnalyticsSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-analytics", pool_size=8)
    database = mongo.database(f"{infra.database_prefix}analytics")
    config = S3Config.of(infra)
    objects = ObjectStore(replace(config, bucket=settings.bucket or config.bucket))
    chain = Chain(*chain_keys(settings))
    store = MongoStore(database, hourly_days=settings.hourly_days)
    rows, metadata = MongoActivity(database, days=settings.activity_days), ServiceClient("metadata", infra, "analytics")
    subscribers = AnalyticsSubscribers(AnalyticsService(store, rows, chain))
    runtime = EventRuntime("analytics", infra, mongo, database, subscribers, linger_seconds=settings.linger_seconds)
    waiting = ArchiveStore(database, runtime.transactor)
    leases: Collection = database["leases"]
    archiving = LeaderLease(leases, "archive", seconds=settings.lease_seconds)
    auditing = LeaderLease(leases, "audit", seconds=settings.lease_seconds)
    archive = Archive(
        waiting,
        archiving,
        objects,
        SegmentLimits(settings.segment_seconds, settings.segment_events, settings.segment_bytes),
        child_memory=settings.child_memory,
        child_seconds=settings.child_seconds,
    )
    audit = AuditLog(
        store,
        AuditSeals(database),
        objects,
        chain,
        auditing,
        Anchors(objects, MongoAnchorNotes(database), chain, infra.region),
        region=infra.region,
        segment_seconds=settings.audit_segment_seconds,
        segment_entries=settings.audit_segment_entries,
    )
    reports = Reports(
        store,
        waiting,
        objects,
        child_memory=settings.child_memory,
        child_seconds=settings.child_seconds,
        query_bytes=settings.query_bytes,
    )

    sweeps = [
        Loop(f"analytics {name}", work, f"analytics:{name}", settings.sweep_seconds, settings.sweep_seconds)
        for name, work in (("archive", archive.write_due), ("seals", audit.seal_due), ("anchors", audit.anchor_due))
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await store.create_indexes()
        await rows.create_indexes()
        await waiting.create_indexes()
        try:
            async with objects, runtime.running(), running_loops(sweeps):
                yield
            for lease in (archiving, auditing):
                await lease.give_up()
        finally:
            await metadata.close()
            mongo.close()

    return service_app(
        "analytics",
        infra,
        lifespan=lifespan,
        public=[
            public_router(reports, audit, store, waiting, objects),
            activity_router(Activity(rows, MetadataFiles(metadata))),
        ],
        internal=[operations_router(runtime, database)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
