"""Composition root of the analytics service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI

from docstore_analytics.activity.api import activity_router
from docstore_analytics.activity.repository import MongoActivity
from docstore_analytics.activity.service import ActivityService
from docstore_analytics.archive.api import archive_router
from docstore_analytics.archive.repository import MongoArchive
from docstore_analytics.archive.rules import SegmentLimits
from docstore_analytics.archive.worker import ArchiveWriter
from docstore_analytics.audit.anchors import Anchors
from docstore_analytics.audit.api import audit_router
from docstore_analytics.audit.keys import chain_keys
from docstore_analytics.audit.repository import MongoAnchorNotes, MongoAudit, MongoSeals
from docstore_analytics.audit.rules import Chain
from docstore_analytics.audit.service import AuditVerifier
from docstore_analytics.audit.worker import AuditSealer
from docstore_analytics.recording.service import RecordingService
from docstore_analytics.recording.subscribers import AnalyticsSubscribers
from docstore_analytics.reports.api import reports_router
from docstore_analytics.reports.repository import MongoFigures
from docstore_analytics.reports.service import ReportService
from docstore_analytics.settings import AnalyticsSettings
from docstore_analytics.storage.api import storage_router
from docstore_analytics.storage.repository import MongoStorage
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contracts.metadata import MetadataClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Collection, Mongo
from docstore_platform.web import service_app
from docstore_work.leader_lease import LeaderLease
from docstore_work.loop import Loop, running_loops


def create_app(settings: AnalyticsSettings | None = None) -> FastAPI:
    """Create the service; its lifespan opens and closes its resources."""
    settings = settings or AnalyticsSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-analytics", pool_size=8)
    database = mongo.database(f"{infra.database_prefix}analytics")
    config = S3Config.of(infra)
    objects = ObjectStore(replace(config, bucket=settings.bucket or config.bucket))
    metadata = ServiceClient("metadata", infra, "analytics")
    runtime = EventRuntime("analytics", infra, mongo, database, linger_seconds=settings.linger_delay_seconds)
    leases: Collection = database["leases"]
    archiving = LeaderLease(leases, "archive", seconds=settings.lease_seconds)
    auditing = LeaderLease(leases, "audit", seconds=settings.lease_seconds)

    figures = MongoFigures(database, hourly_days=settings.hourly_days)
    storage = MongoStorage(database)
    archive = MongoArchive(database, runtime.transactor)
    activity = MongoActivity(database, days=settings.activity_days)
    audit, seals = MongoAudit(database), MongoSeals(database)
    chain = Chain(*chain_keys(settings))
    anchors = Anchors(objects, MongoAnchorNotes(database), chain, infra.region)

    runtime.subscribe(AnalyticsSubscribers(RecordingService(figures, storage, archive, activity, audit, chain)))
    writer = ArchiveWriter(
        archive,
        archiving,
        objects,
        SegmentLimits(settings.segment_delay_seconds, settings.segment_events, settings.segment_bytes),
        child_memory=settings.child_memory_bytes,
        child_seconds=settings.child_timeout_seconds,
    )
    verifier = AuditVerifier(audit, seals, objects, chain, anchors, region=infra.region)
    sealer = AuditSealer(
        audit,
        seals,
        objects,
        auditing,
        anchors,
        verifier,
        region=infra.region,
        segment_seconds=settings.audit_segment_delay_seconds,
        segment_entries=settings.audit_segment_entries,
    )
    reports = ReportService(
        figures,
        archive,
        objects,
        child_memory=settings.child_memory_bytes,
        child_seconds=settings.child_timeout_seconds,
        query_bytes=settings.query_bytes,
    )

    sweeps = [
        Loop.periodic(f"analytics {name}", work, settings.sweep_interval_seconds)
        for name, work in (("archive", writer.write_due), ("seals", sealer.seal_due), ("anchors", sealer.anchor_due))
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for store in (figures, storage, archive, activity, audit):
            await store.create_indexes()
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
            reports_router(reports),
            storage_router(storage, figures),
            audit_router(audit, verifier),
            archive_router(archive, objects),
            activity_router(ActivityService(activity, MetadataClient(metadata))),
        ],
        internal=[operations_router(runtime, database)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
