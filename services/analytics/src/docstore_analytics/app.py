"""Composition root of the analytics service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

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
from docstore_events.transaction import Transactor
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient
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
    stores = _Stores(settings, database, runtime.transactor)
    audit = _Audit(settings, stores, objects)
    recording = RecordingService(
        stores.figures, stores.storage, stores.archive, stores.activity, stores.audit, audit.chain
    )
    runtime.subscribe(AnalyticsSubscribers(recording))
    log_buckets, log_sources = _access_logs(settings, config)
    loops = [
        *_archive_loops(settings, stores, objects),
        *audit.loops,
        *([_access_log_loop(settings, stores, runtime.transactor, log_sources)] if log_sources else []),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await stores.create_indexes()
        try:
            async with AsyncExitStack() as opening:
                for bucket in (objects, *log_buckets):
                    await opening.enter_async_context(bucket)
                await opening.enter_async_context(runtime.running())
                await opening.enter_async_context(running_loops(loops))
                yield
            await stores.give_up_leases()
        finally:
            await metadata.close()
            mongo.close()

    return service_app(
        "analytics",
        infra,
        lifespan=lifespan,
        public=[
            reports_router(_reports(settings, stores, objects)),
            storage_router(stores.storage, stores.figures),
            audit_router(stores.audit, audit.verifier),
            archive_router([stores.archive, stores.accesses], objects),
            activity_router(ActivityService(stores.activity, MetadataClient(metadata))),
        ],
        internal=[operations_router(runtime, database)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )


class _Stores:
    """The repositories, and the leases of the work that one instance does at a time."""

    def __init__(self, settings: AnalyticsSettings, database: Database, transactor: Transactor) -> None:
        self.figures = MongoFigures(database, hourly_days=settings.hourly_days)
        self.storage = MongoStorage(database)
        self.archive = MongoArchive(database, transactor)
        self.accesses, self.access_logs = MongoArchive(database, transactor, ACCESSES), MongoAccessLogs(database)
        self.activity = MongoActivity(database, days=settings.activity_days)
        self.audit, self.seals = MongoAudit(database), MongoSeals(database)
        self.anchor_notes = MongoAnchorNotes(database)
        lease = partial(LeaderLease, database["leases"], seconds=settings.lease_seconds)
        self.archiving, self.auditing, self.reading = lease("archive"), lease("audit"), lease("accesses")

    async def create_indexes(self) -> None:
        archives = self.archive, self.accesses, self.access_logs
        for store in (self.figures, self.storage, *archives, self.activity, self.audit):
            await store.create_indexes()

    async def give_up_leases(self) -> None:
        for lease in (self.archiving, self.auditing, self.reading):
            await lease.give_up()


class _Audit:
    """The chain of the audit log: its seals, its anchors, their verification."""

    def __init__(self, settings: AnalyticsSettings, stores: _Stores, objects: ObjectStore) -> None:
        region, audit, seals = settings.infra.region, stores.audit, stores.seals
        self.chain = Chain(*chain_keys(settings))
        anchors = Anchors(objects, stores.anchor_notes, self.chain, region)
        self.verifier = AuditVerifier(audit, seals, objects, self.chain, anchors, region=region)
        sealer = AuditSealer(
            audit,
            seals,
            objects,
            stores.auditing,
            anchors,
            self.verifier,
            region=region,
            segment_seconds=settings.audit_segment_delay_seconds,
            segment_entries=settings.audit_segment_entries,
        )
        self.loops = [
            Loop.periodic("analytics seals", sealer.seal_due, settings.sweep_interval_seconds),
            Loop.periodic("analytics anchors", sealer.anchor_due, settings.sweep_interval_seconds),
        ]


def _archive_loops(settings: AnalyticsSettings, stores: _Stores, objects: ObjectStore) -> list[Loop]:
    limits = SegmentLimits(settings.segment_delay_seconds, settings.segment_events, settings.segment_bytes)
    writers = [
        ArchiveWriter(
            table,
            stores.archiving,
            objects,
            limits,
            child_memory=settings.child_memory_bytes,
            child_seconds=settings.child_timeout_seconds,
        )
        for table in (stores.archive, stores.accesses)
    ]
    return [
        Loop.periodic(f"analytics archive of {writer.table}", writer.write_due, settings.sweep_interval_seconds)
        for writer in writers
    ]


def _access_log_loop(
    settings: AnalyticsSettings, stores: _Stores, transactor: Transactor, sources: Sequence[LogSource]
) -> Loop:
    reader = AccessLogReader(
        sources,
        stores.access_logs,
        stores.accesses,
        stores.figures,
        transactor,
        stores.reading,
        grace_seconds=settings.access_log_grace_seconds,
        file_bytes=settings.access_log_bytes,
    )
    return Loop.periodic("analytics access logs", reader.read_due, settings.access_log_interval_seconds)


def _reports(settings: AnalyticsSettings, stores: _Stores, objects: ObjectStore) -> ReportService:
    return ReportService(
        stores.figures,
        stores.archive,
        objects,
        child_memory=settings.child_memory_bytes,
        child_seconds=settings.child_timeout_seconds,
        query_bytes=settings.query_bytes,
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
