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
from docstore_events.transaction import Transactor
from docstore_indexer import metrics
from docstore_indexer.engines.engine import SearchEngine
from docstore_indexer.engines.opensearch.client import OpenSearchClient
from docstore_indexer.engines.opensearch.engine import OpenSearchEngine
from docstore_indexer.engines.opensearch.schema import Layout
from docstore_indexer.engines.tantivy.engine import TantivyEngine
from docstore_indexer.extraction.languages import TrainedData
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
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.secret_list import secret_list
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient
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
    runtime = EventRuntime("indexer", infra, mongo, database)
    metadata, accounts = ServiceClient("metadata", infra, "indexer"), ServiceClient("accounts", infra, "indexer")
    cipher = Cipher("docstore indexed texts", *secret_list("INDEXER_TEXT_SECRETS", settings.text_secrets, infra))
    stores = _Stores(settings, database, cipher)
    service = IndexService(stores.entries, stores.accounts, stores.jobs, runtime.transactor)
    runtime.subscribe(IndexerSubscribers(service))
    engine = _engine(settings, cipher)
    extraction = _Extraction(settings)
    features = _Features(
        settings, stores, service, engine, extraction.trained, MetadataClient(metadata), AccountsClient(accounts)
    )
    loops = [
        *_indexing_loops(settings, stores, extraction, engine, runtime.transactor),
        *features.loops,
        Loop("indexer gauges", partial(_report_pending, stores, extraction), "index:gauges", GAUGE_SECONDS),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.push_async_callback(metadata.close)
            stack.push_async_callback(accounts.close)
            opened = await engine.open()
            stack.push_async_callback(engine.close)
            await stack.enter_async_context(extraction.open())
            await stores.create_indexes()
            if settings.engine == "tantivy" or infra.single_instance:  # otherwise other instances may hold leases
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
            search_router(features.search),
            languages_router(LanguageService(service, extraction.trained)),
            saved_router(SavedSearchService(stores.saved_searches)),
            admin_router(features.rebuild),
        ],
        internal=[
            rebuild_router(features.rebuild),
            consistency_router({"index": features.consistency.check}),
            operations_router(runtime, database, waiting=("upload",), pending_events=service.pending_events),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
        partial_checks={"parser_sandbox": extraction.sandbox.check},
    )


class _Stores:
    """The repositories."""

    def __init__(self, settings: IndexerSettings, database: Database, cipher: Cipher) -> None:
        self.entries = MongoEntries(database, lease_seconds=settings.lease_seconds)
        self.texts, self.accounts = MongoTexts(database, cipher), MongoAccounts(database)
        self.jobs = Jobs(database, lease_seconds=settings.lease_seconds)
        self.saved_searches = MongoSavedSearches(database)

    async def create_indexes(self) -> None:
        for store in (self.entries, self.jobs, self.saved_searches):
            await store.create_indexes()


class _Extraction:
    """Reads texts from stored contents, in sandboxed worker processes."""

    def __init__(self, settings: IndexerSettings) -> None:
        self._folder = settings.folder.absolute() / "work"
        self.trained = settings.trained_data
        self._objects = ObjectStore(S3Config.of(settings.infra))
        self._documents = Extractor(settings.document_limits, self._folder, self.trained)
        self._pictures = Extractor(settings.picture_limits, self._folder, self.trained)
        self.transcriber = _transcriber(settings)
        self.contents = StoredContents(
            Contents(self._objects),
            self._documents,
            self._pictures,
            self._folder,
            settings.max_text_chars,
            self.transcriber,
        )
        self.sandbox = SandboxWatch("indexer", self._documents.pool, self._pictures.pool)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        empty(self._folder)
        self.trained.link()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._objects)
            stack.push_async_callback(self._documents.close)
            stack.push_async_callback(self._pictures.close)
            yield


class _Features:
    """Search, and the background work that keeps the index as files and plans are."""

    def __init__(
        self,
        settings: IndexerSettings,
        stores: _Stores,
        service: IndexService,
        engine: SearchEngine,
        trained: TrainedData,
        metadata: MetadataClient,
        accounts: AccountsClient,
    ) -> None:
        entries, texts, plans, jobs = stores.entries, stores.texts, stores.accounts, stores.jobs
        plan_changes = PlanChanges(jobs, entries, texts, plans)
        self.rebuild = Rebuild(engine, metadata, entries, texts, plans, service, jobs, trained)
        self.consistency = IndexConsistency(engine, metadata, entries, texts, service)
        self.search = Search(engine, metadata, plans, AccountPlans(accounts))
        poll_seconds = settings.poll_interval_seconds
        self.loops = [
            Loop("indexer plan changes", plan_changes.work, PLAN_WAKEUP),
            Loop("indexer rebuild", self.rebuild.work, REBUILD_WAKEUP),
            Loop("indexer retries", service.wake_due, RETRY_WAKEUP, poll_seconds, idle_seconds=IDLE_SECONDS),
        ]


def _indexing_loops(
    settings: IndexerSettings, stores: _Stores, extraction: _Extraction, engine: SearchEngine, transactor: Transactor
) -> list[Loop]:
    """More loops than workers: while one waits for the index or a download, another uses the worker."""
    queues = {
        WorkQueue.QUICK: 2,
        WorkQueue.TEXT: 1,
        WorkQueue.PARSE: settings.workers + 2,
        WorkQueue.OCR: settings.workers + 1,
        WorkQueue.TRANSCRIPTION: 1 if extraction.transcriber else 0,
    }
    indexing = Indexing(
        stores.entries,
        stores.texts,
        stores.accounts,
        extraction.contents,
        OrderedIndex(engine),
        transactor,
        extraction.trained,
    )
    return [
        Loop(f"indexer {queue} {number}", partial(indexing.work, queue), wakeup_name(queue))
        for queue, count in queues.items()
        for number in range(count)
    ]


async def _report_pending(stores: _Stores, extraction: _Extraction) -> bool:
    extraction.sandbox.report()
    waiting = await stores.entries.pending_by_queue()
    for queue in WorkQueue:
        metrics.pending_documents.labels(queue).set(waiting.get(queue, 0))
    return False


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
