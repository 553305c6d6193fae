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
from docstore_metadata import (
    api,
    changes_api,
    contents_api,
    hot_api,
    internal_api,
    link_page,
    links_api,
    retention_api,
    shares_api,
)
from docstore_metadata.access_overview import api as access_overview_api
from docstore_metadata.access_overview.service import AccessOverview
from docstore_metadata.ancestry import api as ancestry_api
from docstore_metadata.busy_tree import BusyTree
from docstore_metadata.changes import ChangeFeed
from docstore_metadata.cold_storage import Cooler
from docstore_metadata.commits import Committer
from docstore_metadata.compare import Comparer
from docstore_metadata.copying import Copier
from docstore_metadata.delivery import Delivery
from docstore_metadata.downloads import Downloads
from docstore_metadata.errors import Refusal
from docstore_metadata.grants import Grants
from docstore_metadata.history import History
from docstore_metadata.jobs import Jobs, JobWorker
from docstore_metadata.journal import create_journal_indexes
from docstore_metadata.keeping import Keeping
from docstore_metadata.link_rules import LinkGrants
from docstore_metadata.link_sweeper import LinkSweeper
from docstore_metadata.link_tokens import TokenCipher
from docstore_metadata.link_visits import LinkVisits
from docstore_metadata.links import Links
from docstore_metadata.listing import Listings
from docstore_metadata.names import Names
from docstore_metadata.objects import ObjectRemover
from docstore_metadata.presentation import problem_of
from docstore_metadata.public_page.service import PagePreviews
from docstore_metadata.reservations import Reservations
from docstore_metadata.retention_store import RetentionStore
from docstore_metadata.retention_sweeper import RetentionSweeper
from docstore_metadata.service import Files
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.share_acceptance import api as share_acceptance_api
from docstore_metadata.share_acceptance.service import Declining, ShareAcceptance
from docstore_metadata.shares import Shares
from docstore_metadata.sharing import Sharing
from docstore_metadata.snapshot import Snapshots
from docstore_metadata.storage import Store
from docstore_metadata.strangers import Strangers
from docstore_metadata.subscribers import MetadataSubscribers
from docstore_metadata.trash import Trash
from docstore_metadata.tree import Tree
from docstore_metadata.use_cases import UseCases
from docstore_metadata.versions.access import VersionAccess
from docstore_metadata.walks import Walker
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
    sharing = Sharing(store, jobs)
    grants = Grants(store, Tree(store), sharing, jobs)
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
            remover = ObjectRemover(store, objects, uploads, is_held=is_held, lease_seconds=lease_seconds)
            keeping = Keeping(retention, Tree(store), runtime.transactor, settings.retention)
            names = await stack.enter_async_context(_naming(store, Strangers(accounts, runtime.transactor, grants)))
            working = _working(
                app, settings, runtime, store, sharing, grants, jobs, contents, remover, quota, keeping, names
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
        direct=[*hot_api.router.routes, *changes_api.direct_router.routes],
        public=[
            api.router,
            contents_api.router,
            changes_api.router,
            shares_api.router,
            share_acceptance_api.router,
            links_api.router,
            ancestry_api.router,
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
    sharing: Sharing,
    grants: Grants,
    jobs: Jobs,
    contents: Contents,
    remover: ObjectRemover,
    quota: ServiceClient,
    keeping: Keeping,
    names: Names,
) -> AsyncIterator[None]:
    """The use cases for the routes, and the background work."""
    transactor, tree, reservations = runtime.transactor, BusyTree(store), Reservations(quota)
    changes = ChangeFeed(store)
    version_access = VersionAccess(store)
    history = History(store, tree, transactor, reservations, version_access, bounds=keeping.bounds)
    delivery: Delivery = app.state.delivery
    app.state.use_cases = UseCases(
        store=store,
        tree=tree,
        files=Files(store, tree, transactor, jobs),
        trash=Trash(store, tree, transactor, jobs),
        keeping=keeping,
        shares=Shares(store, tree, transactor, sharing, names.learn),
        history=history,
        copier=Copier(store, tree, transactor, reservations, max_nodes=settings.max_copied_nodes),
        committer=Committer(store, tree, transactor, bounds=keeping.bounds),
        listings=Listings(store, cache_bytes=settings.listing_cache_bytes),
        changes=changes,
        snapshots=Snapshots(store, tree, changes),
        comparer=Comparer(store, tree),
        downloads=Downloads(
            store, tree, history, version_access, contents, delivery, seconds=settings.download_seconds
        ),
        names=names,
    )
    declining = Declining(store, tree, sharing)
    app.state.share_acceptance = ShareAcceptance(store, tree, transactor, sharing, declining, jobs)
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
async def _naming(store: Store, strangers: Strangers) -> AsyncIterator[Names]:
    """What people are called, and who finds out where that is not known."""
    task = asyncio.create_task(strangers.run(), name="metadata strangers")
    try:
        yield Names(store.shares, strangers.ask_for)
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
        cooler = Cooler(store, objects, days=settings.cold_after_days, now=now)
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
    app.state.links = Links(store, tree, transactor, passwords, cipher)
    app.state.access_overview = AccessOverview(store, tree)
    app.state.link_visits = LinkVisits(store, tree, transactor, passwords, throttle, grants)
    try:
        yield
    finally:
        passwords.close()


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return problem_of(error).response()
