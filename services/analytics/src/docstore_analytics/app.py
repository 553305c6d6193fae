"""Composition root of the analytics service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from fastapi import FastAPI

from docstore_analytics.accesses.repository import MongoAccessLogs
from docstore_analytics.accesses.rules import LogKind
from docstore_analytics.accesses.sources import BucketLogs, FolderLogs, LogSource
from docstore_analytics.accesses.worker import AccessLogReader
from docstore_analytics.activity.api import activity_router
from docstore_analytics.activity.repository import MongoActivity
from docstore_analytics.activity.service import ActivityService
from docstore_analytics.archive.api import archive_router
from docstore_analytics.archive.columns import ACCESSES
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
from docstore_analytics.settings import LOGS, AnalyticsSettings
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
    log_buckets, log_sources = _access_logs(settings, config)
    archiving = LeaderLease(leases, "archive", seconds=settings.lease_seconds)
    auditing = LeaderLease(leases, "audit", seconds=settings.lease_seconds)
    reading = LeaderLease(leases, "accesses", seconds=settings.lease_seconds)

    figures = MongoFigures(database, hourly_days=settings.hourly_days)
    storage = MongoStorage(database)
    archive = MongoArchive(database, runtime.transactor)
    accesses, access_logs = MongoArchive(database, runtime.transactor, ACCESSES), MongoAccessLogs(database)
    activity = MongoActivity(database, days=settings.activity_days)
    audit, seals = MongoAudit(database), MongoSeals(database)
    chain = Chain(*chain_keys(settings))
    anchors = Anchors(objects, MongoAnchorNotes(database), chain, infra.region)

    runtime.subscribe(AnalyticsSubscribers(RecordingService(figures, storage, archive, activity, audit, chain)))
    limits = SegmentLimits(settings.segment_delay_seconds, settings.segment_events, settings.segment_bytes)
    writers = [
        ArchiveWriter(
            table,
            archiving,
            objects,
            limits,
            child_memory=settings.child_memory_bytes,
            child_seconds=settings.child_timeout_seconds,
        )
        for table in (archive, accesses)
    ]
    reader = AccessLogReader(
        log_sources,
        access_logs,
        accesses,
        figures,
        runtime.transactor,
        reading,
        grace_seconds=settings.access_log_grace_seconds,
        file_bytes=settings.access_log_bytes,
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
        for name, work in (
            *((f"archive of {writer.table}", writer.write_due) for writer in writers),
            ("seals", sealer.seal_due),
            ("anchors", sealer.anchor_due),
        )
    ]
    if log_sources:
        interval = settings.access_log_interval_seconds
        sweeps.append(Loop.periodic("analytics access logs", reader.read_due, interval))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for store in (figures, storage, archive, accesses, access_logs, activity, audit):
            await store.create_indexes()
        try:
            async with AsyncExitStack() as opening:
                for bucket in (objects, *log_buckets):
                    await opening.enter_async_context(bucket)
                await opening.enter_async_context(runtime.running())
                await opening.enter_async_context(running_loops(sweeps))
                yield
            for lease in (archiving, auditing, reading):
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
            archive_router([archive, accesses], objects),
            activity_router(ActivityService(activity, MetadataClient(metadata))),
        ],
        internal=[operations_router(runtime, database)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )


def _access_logs(settings: AnalyticsSettings, config: S3Config) -> tuple[Sequence[ObjectStore], Sequence[LogSource]]:
    """Return the buckets of access logs, and each log."""
    buckets: dict[str, ObjectStore] = {}
    sources: list[LogSource] = []
    named: dict[LogKind, str] = {"s3": settings.s3_access_logs, "cloudfront": settings.cloudfront_logs}
    for kind, logs in named.items():
        for found in LOGS.finditer(logs):
            name = found["bucket"]
            bucket = buckets.setdefault(name, ObjectStore(replace(config, bucket=name)))
            sources.append(BucketLogs(kind, bucket, found["prefix"] or ""))
    if settings.embedded_access_logs:
        contents = buckets.setdefault(config.bucket, ObjectStore(config))
        sources.append(FolderLogs(settings.embedded_access_logs, contents))
    return list(buckets.values()), sources
