"""Composition root of the indexer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contents.workers.pool import empty
from docstore_contents.workers.sandbox.watch import SandboxWatch
from docstore_contracts.accounts import AccountsClient
from docstore_contracts.metadata import MetadataClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_indexer import metrics
from docstore_indexer.engines.engine import SearchEngine
from docstore_indexer.engines.opensearch.client import OpenSearchClient
from docstore_indexer.engines.opensearch.engine import Layout, OpenSearchEngine
from docstore_indexer.engines.tantivy.engine import TantivyEngine
from docstore_indexer.extraction.service import Extractor
from docstore_indexer.indexing.index_order import OrderedIndex
from docstore_indexer.indexing.job_repository import Jobs
from docstore_indexer.indexing.plan_changes import PlanChanges
from docstore_indexer.indexing.repository import MongoEntries
from docstore_indexer.indexing.rules import RETRY_WAKEUP, WorkQueue, wakeup_name
from docstore_indexer.indexing.service import PLAN_WAKEUP, REBUILD_WAKEUP, IndexService
from docstore_indexer.indexing.subscribers import IndexerSubscribers
from docstore_indexer.indexing.text_reader import StoredContents
from docstore_indexer.indexing.text_repository import MongoAccounts, MongoTexts
from docstore_indexer.indexing.worker import Indexing
from docstore_indexer.languages.api import languages_router
from docstore_indexer.languages.service import LanguageService
from docstore_indexer.rebuild.api import admin_router, rebuild_router
from docstore_indexer.rebuild.consistency import IndexConsistency
from docstore_indexer.rebuild.worker import Rebuild
from docstore_indexer.saved_searches.api import saved_router
from docstore_indexer.saved_searches.repository import MongoSavedSearches
from docstore_indexer.saved_searches.service import SavedSearchService
from docstore_indexer.search.api import search_router
from docstore_indexer.search.service import Search
from docstore_indexer.settings import IndexerSettings
from docstore_indexer.transcription.amazon_transcribe import AmazonTranscriber
from docstore_indexer.transcription.http_endpoint import HttpTranscriber
from docstore_indexer.transcription.transcriber import Transcriber
from docstore_platform.consistency import consistency_router
from docstore_platform.domain.plans import AccountPlans
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.secret_list import secret_list
from docstore_platform.web import service_app
from docstore_work.loop import Loop, running_loops

GAUGE_SECONDS = 15.0
IDLE_SECONDS = 15.0
"""The longest pause between two looks for retries, while there are none."""


def create_app(settings: IndexerSettings | None = None) -> FastAPI:
    """Create the service; its lifespan opens and closes its resources."""
    settings = settings or IndexerSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-indexer")
    database = mongo.database(f"{infra.database_prefix}indexer")
    entries = MongoEntries(database, lease_seconds=settings.lease_seconds)
    cipher = Cipher("docstore indexed texts", *secret_list("INDEXER_TEXT_SECRETS", settings.text_secrets, infra))
    texts, accounts = MongoTexts(database, cipher), MongoAccounts(database)
    jobs = Jobs(database, lease_seconds=settings.lease_seconds)
    saved = MongoSavedSearches(database)
    runtime = EventRuntime("indexer", infra, mongo, database)
    service = IndexService(entries, accounts, jobs, runtime.transactor)
    runtime.subscribe(IndexerSubscribers(service))

    client = ServiceClient("metadata", infra, "indexer")
    metadata = MetadataClient(client)
    objects = ObjectStore(S3Config.of(infra))
    work_folder = settings.folder.absolute() / "work"
    transcriber = _transcriber(settings)
    trained = settings.trained_data
    documents = Extractor(settings.document_limits, work_folder, trained)
    pictures = Extractor(settings.picture_limits, work_folder, trained)
    # More loops than workers: while one waits for the index or a download, another uses the worker.
    queues = {
        WorkQueue.QUICK: 2,
        WorkQueue.TEXT: 1,
        WorkQueue.PARSE: settings.workers + 2,
        WorkQueue.OCR: settings.workers + 1,
        WorkQueue.TRANSCRIPTION: 1 if transcriber else 0,
    }
    contents = StoredContents(Contents(objects), documents, pictures, work_folder, settings.max_text_chars, transcriber)

    engine = _engine(settings, cipher)
    index = OrderedIndex(engine)
    indexing = Indexing(entries, texts, accounts, contents, index, runtime.transactor, trained)
    plan_changes = PlanChanges(jobs, entries, texts, accounts)
    rebuild = Rebuild(engine, metadata, entries, texts, accounts, service, jobs, trained)
    consistency = IndexConsistency(engine, metadata, entries, texts, service)
    owner = ServiceClient("accounts", infra, "indexer")
    search = Search(engine, metadata, accounts, AccountPlans(AccountsClient(owner)))

    sandbox = SandboxWatch("indexer", documents.pool, pictures.pool)

    async def report_pending() -> bool:
        sandbox.report()
        waiting = await entries.pending_by_queue()
        for queue in WorkQueue:
            metrics.pending_documents.labels(queue).set(waiting.get(queue, 0))
        return False

    loops = [
        *(
            Loop(f"indexer {queue} {number}", partial(indexing.work, queue), wakeup_name(queue))
            for queue, count in queues.items()
            for number in range(count)
        ),
        Loop("indexer plan changes", plan_changes.work, PLAN_WAKEUP),
        Loop("indexer rebuild", rebuild.work, REBUILD_WAKEUP),
        Loop(
            "indexer retries", service.wake_due, RETRY_WAKEUP, settings.poll_interval_seconds, idle_seconds=IDLE_SECONDS
        ),
        Loop("indexer gauges", report_pending, "index:gauges", GAUGE_SECONDS),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.push_async_callback(client.close)
            stack.push_async_callback(owner.close)
            opened = await engine.open()
            stack.push_async_callback(engine.close)
            empty(work_folder)
            trained.link()
            await stack.enter_async_context(objects)
            stack.push_async_callback(documents.close)
            stack.push_async_callback(pictures.close)
            await entries.create_indexes()
            await jobs.create_indexes()
            await saved.create_indexes()
            await service.begin()
            if opened.rebuild_needed:
                await service.request_rebuild(opened.reason)
            await stack.enter_async_context(running_loops(loops))
            await stack.enter_async_context(runtime.running())
            yield

    return service_app(
        "indexer",
        infra,
        lifespan=lifespan,
        public=[
            search_router(search),
            languages_router(LanguageService(service, trained)),
            saved_router(SavedSearchService(saved)),
            admin_router(service, rebuild.status),
        ],
        internal=[
            rebuild_router(service, rebuild.status),
            consistency_router({"index": consistency.check}),
            operations_router(runtime, database, waiting=("upload",), pending_events=service.pending_events),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
        partial_checks={"parser_sandbox": sandbox.check},
    )


def _transcriber(settings: IndexerSettings) -> Transcriber | None:
    if settings.transcription_bucket:
        return AmazonTranscriber(
            settings.transcription_bucket,
            settings.transcription_region,
            settings.transcription_aws_endpoint,
            settings.transcription_max_bytes,
            settings.transcription_timeout_seconds,
        )
    if not settings.transcription_url:
        return None
    return HttpTranscriber(
        settings.transcription_url,
        settings.transcription_key.get_secret_value(),
        settings.transcription_model,
        settings.transcription_max_bytes,
        settings.transcription_timeout_seconds,
    )


def _engine(settings: IndexerSettings, cipher: Cipher) -> SearchEngine:
    if settings.engine == "tantivy":
        return TantivyEngine(settings.folder.absolute(), cipher, commit_ms=settings.commit_interval_ms)
    password = settings.opensearch_password.get_secret_value()
    client = OpenSearchClient(settings.opensearch_url, settings.opensearch_user, password, settings.opensearch_ca_file)
    layout = Layout(settings.opensearch_shards, settings.opensearch_replicas, settings.opensearch_refresh_interval_ms)
    return OpenSearchEngine(client, settings.opensearch_index, layout, commit_ms=settings.commit_interval_ms)
