"""Wires the metadata service."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import Response

from docstore_contents.deletion_hold import deletions_held
from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transactor
from docstore_metadata import internal_api
from docstore_metadata.access_overview import api as access_overview_api
from docstore_metadata.access_overview.service import AccessOverview
from docstore_metadata.commits.service import CommitService
from docstore_metadata.downloads import api as downloads_api
from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.downloads.service import DownloadService
from docstore_metadata.errors import Refusal
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.jobs.service import Walker
from docstore_metadata.jobs.worker import JobWorker
from docstore_metadata.journal import api as journal_api
from docstore_metadata.journal.compare import Comparer
from docstore_metadata.journal.repository import create_journal_indexes
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.journal.snapshot import Snapshots
from docstore_metadata.links import api as links_api
from docstore_metadata.links import page as link_page
from docstore_metadata.links.previews import PagePreviews
from docstore_metadata.links.rules import LinkGrants
from docstore_metadata.links.service import LinkService
from docstore_metadata.links.token_cipher import TokenCipher
from docstore_metadata.links.visits import LinkVisits
from docstore_metadata.links.worker import LinkSweeper
from docstore_metadata.people.service import DisplayNames
from docstore_metadata.people.worker import DisplayNameResolver
from docstore_metadata.problems import problem_of
from docstore_metadata.reservations import Reservations
from docstore_metadata.retention import api as retention_api
from docstore_metadata.retention.repository import RetentionStore
from docstore_metadata.retention.service import RetentionService
from docstore_metadata.retention.worker import RetentionSweeper
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.sharing import api as sharing_api
from docstore_metadata.sharing.acceptance import api as acceptance_api
from docstore_metadata.sharing.acceptance.service import ShareAcceptanceService, ShareDecliner
from docstore_metadata.sharing.changes import ShareChanges
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.sharing.service import ShareService
from docstore_metadata.storage import Store
from docstore_metadata.subscribers import MetadataSubscribers
from docstore_metadata.trash import api as trash_api
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree import api as tree_api
from docstore_metadata.tree import fast_routes
from docstore_metadata.tree.batching_tree import BatchingTree
from docstore_metadata.tree.copying import Copier
from docstore_metadata.tree.listing import Listings
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.service import FileService
from docstore_metadata.use_cases import UseCases
from docstore_metadata.versions import api as versions_api
from docstore_metadata.versions.access import VersionAccess
from docstore_metadata.versions.service import VersionService
from docstore_metadata.versions.tiering import StorageTiering
from docstore_metadata.versions.unreferenced_contents import UnreferencedContentRemover
from docstore_platform.clock import utc_now
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Database, Mongo, server_time
from docstore_platform.passwords import Passwords
from docstore_platform.secret_list import secret_list
from docstore_platform.settings import ServiceName
from docstore_platform.tasks import end_tasks
from docstore_platform.throttle import MongoFailures, Throttle
from docstore_platform.web import service_app
from docstore_work.loop import Loop, running_loops

NAME: ServiceName = "metadata"


def create_app(settings: MetadataSettings | None = None) -> FastAPI:
    """The metadata service, ready to be served."""
    settings = settings or MetadataSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    store = Store(database)
    jobs = Jobs(store, lease_seconds=settings.job_lease_seconds)
    retention = RetentionStore(store, settings.retention, lease_seconds=settings.job_lease_seconds)
    sharing = ShareChanges(store, jobs)
    grants = PendingShares(store, Tree(store), sharing, jobs)
    runtime = EventRuntime(NAME, infra, mongo, database, MetadataSubscribers(store, grants))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            await store.create_indexes()
            await retention.create_indexes()
            await create_journal_indexes(database, settings.journal_days)
            objects = await stack.enter_async_context(ObjectStore(S3Config.of(infra)))
            accounts = ServiceClient("accounts", infra, "metadata")
            quota, uploads = ServiceClient("quota", infra, "metadata"), ServiceClient("upload", infra, "metadata")
            media = ServiceClient("media", infra, "metadata")
            for client in (accounts, quota, uploads, media):
                stack.push_async_callback(client.close)
            await stack.enter_async_context(runtime.running())
            contents = Contents(objects)
            app.state.delivery = Delivery(objects, contents)
            app.state.page_previews = PagePreviews(media)
            is_held = partial(deletions_held, database)
            lease_seconds = settings.job_lease_seconds
            remover = UnreferencedContentRemover(store, objects, uploads, is_held=is_held, lease_seconds=lease_seconds)
            retention_service = RetentionService(retention, Tree(store), runtime.transactor, settings.retention)
            names = await stack.enter_async_context(
                _naming(store, DisplayNameResolver(accounts, runtime.transactor, grants))
            )
            working = _working(
                app, settings, runtime, store, sharing, grants, jobs, contents, remover, quota, retention_service, names
            )
            await stack.enter_async_context(working)
            await stack.enter_async_context(_links(app, settings, runtime, store, database))
            sweeps = await _sweeps(settings, runtime.transactor, store, retention, jobs, objects)
            await stack.enter_async_context(running_loops(sweeps))
            yield

    app = service_app(
        NAME,
        infra,
        lifespan=lifespan,
        direct=[*fast_routes.router.routes, *journal_api.direct_router.routes],
        public=[
            tree_api.router,
            trash_api.router,
            versions_api.router,
            downloads_api.router,
            journal_api.router,
            sharing_api.router,
            acceptance_api.router,
            links_api.router,
            access_overview_api.router,
            retention_api.router,
        ],
        internal=[internal_api.router, operations_router(runtime, database, republishers=("upload",))],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
    app.include_router(link_page.router)
    app.add_exception_handler(Refusal, _on_refusal)
    return app


@asynccontextmanager
async def _working(
    app: FastAPI,
    settings: MetadataSettings,
    runtime: EventRuntime,
    store: Store,
    sharing: ShareChanges,
    grants: PendingShares,
    jobs: Jobs,
    contents: Contents,
    remover: UnreferencedContentRemover,
    quota: ServiceClient,
    retention_service: RetentionService,
    names: DisplayNames,
) -> AsyncIterator[None]:
    """The use cases for the routes, and the background work."""
    transactor, tree, reservations = runtime.transactor, BatchingTree(store), Reservations(quota)
    changes = ChangeFeed(store)
    version_access = VersionAccess(store)
    history = VersionService(store, tree, transactor, reservations, version_access, bounds=retention_service.bounds)
    delivery: Delivery = app.state.delivery
    app.state.use_cases = UseCases(
        store=store,
        tree=tree,
        files=FileService(store, tree, transactor, jobs),
        trash=TrashService(store, tree, transactor, jobs),
        retention=retention_service,
        shares=ShareService(store, tree, transactor, sharing, names.learn),
        history=history,
        copier=Copier(store, tree, transactor, reservations, max_nodes=settings.max_copied_nodes),
        committer=CommitService(store, tree, transactor, bounds=retention_service.bounds),
        listings=Listings(store, cache_bytes=settings.listing_cache_bytes),
        changes=changes,
        snapshots=Snapshots(store, tree, changes),
        comparer=Comparer(store, tree),
        downloads=DownloadService(
            store, tree, history, version_access, contents, delivery, seconds=settings.download_seconds
        ),
        names=names,
    )
    declining = ShareDecliner(store, tree, sharing)
    app.state.share_acceptance = ShareAcceptanceService(store, tree, transactor, sharing, declining, jobs)
    walker = Walker(store, tree, transactor, jobs, grants, declining)
    poll_seconds = settings.job_poll_ms / 1000
    loops = [
        Loop("metadata jobs", JobWorker(jobs, walker.walk).work, jobs.wakeup_name, poll_seconds),
        # A job may leave objects to be deleted, so the same wake-up serves both.
        Loop("metadata object removal", remover.remove_due, jobs.wakeup_name, poll_seconds),
    ]
    async with running_loops(loops):
        yield


@asynccontextmanager
async def _naming(store: Store, strangers: DisplayNameResolver) -> AsyncIterator[DisplayNames]:
    """What people are called, and who finds out where that is not known."""
    task = asyncio.create_task(strangers.run(), name="metadata strangers")
    try:
        yield DisplayNames(store.shares, strangers.ask_for)
    finally:
        await end_tasks([task])


async def _sweeps(
    settings: MetadataSettings,
    transactor: Transactor,
    store: Store,
    retention: RetentionStore,
    jobs: Jobs,
    objects: ObjectStore,
) -> list[Loop]:
    """Who tells of the end of links, lets go of what is kept no longer, and marks contents for colder storage."""
    tree, now = Tree(store), partial(_earlier_now, store)
    sweeps = [_sweep("links", LinkSweeper(store, tree, transactor).sweep, settings.link_sweep_seconds)]
    if settings.retention_poll_seconds:
        sweeper = RetentionSweeper(store, retention, tree, transactor, jobs, settings.retention, now=now)
        sweeps.append(_sweep("retention", sweeper.sweep, settings.retention_poll_seconds))
    if settings.cold_after_days:
        cooler = StorageTiering(store, objects, days=settings.cold_after_days, now=now)
        await cooler.create_indexes()
        sweeps.append(_sweep("cold storage", cooler.cool, settings.cold_poll_seconds))
    return sweeps


def _sweep(name: str, work: Callable[[], Awaitable[int]], seconds: float) -> Loop:
    """What fails waits for the next look: it may fail for as long as an operator needs."""
    return Loop(f"metadata {name}", work, f"metadata:{name}", seconds, retry_seconds=seconds)


async def _earlier_now(store: Store) -> datetime:
    """The earlier of two clocks: one may be wrong."""
    return min(utc_now(), await server_time(store.nodes.database))


@asynccontextmanager
async def _links(
    app: FastAPI,
    settings: MetadataSettings,
    runtime: EventRuntime,
    store: Store,
    database: Database,
) -> AsyncIterator[None]:
    """The use cases of public links."""
    transactor, tree, passwords = runtime.transactor, Tree(store), Passwords(settings)
    failures = MongoFailures(database, "link_failures")
    await failures.create_indexes()
    window = timedelta(seconds=settings.link_failure_seconds)
    throttle = Throttle(
        failures,
        limit=settings.link_failures,
        limit_everywhere=settings.link_failures_everywhere,
        window=window,
        clock=utc_now,
    )
    grants = LinkGrants(secret_list("METADATA_LINK_GRANT_SECRETS", settings.link_grant_secrets, settings.infra))
    cipher = TokenCipher(*secret_list("METADATA_LINK_TOKEN_SECRETS", settings.link_token_secrets, settings.infra))
    app.state.links = LinkService(store, tree, transactor, passwords, cipher)
    app.state.access_overview = AccessOverview(store, tree)
    app.state.link_visits = LinkVisits(store, tree, transactor, passwords, throttle, grants)
    try:
        yield
    finally:
        passwords.close()


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return problem_of(error).response()
