"""Composition root of the metadata service."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial

from fastapi import FastAPI

from docstore_contents.deletion_hold import deletions_held
from docstore_contents.reader import Contents
from docstore_contents.s3.failover import FailoverReads, replica_config
from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contents.s3.sts import TemporaryCredentials, read_credentials
from docstore_contracts.accounts import AccountsClient
from docstore_contracts.media import MediaClient
from docstore_contracts.quota import QuotaClient
from docstore_contracts.upload import UploadClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transaction
from docstore_metadata.access_overview.api import access_overview_router
from docstore_metadata.access_overview.service import AccessOverview
from docstore_metadata.annotations.api import annotations_router
from docstore_metadata.annotations.service import AnnotationService
from docstore_metadata.cold_storage.api import retrievals_router
from docstore_metadata.cold_storage.wiring import ColdStorage
from docstore_metadata.commits.service import CommitService
from docstore_metadata.consistency.repository import MongoConsistencyRepairs, MongoStoredPages
from docstore_metadata.consistency.service import TreeConsistency
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.downloads.api import downloads_router
from docstore_metadata.downloads.delivery import Delivery
from docstore_metadata.downloads.service import DownloadService
from docstore_metadata.files.api import fast_files_router, files_router
from docstore_metadata.files.copying import Copier
from docstore_metadata.files.directory import FileDirectory
from docstore_metadata.files.service import FileService
from docstore_metadata.internal_api import internal_router
from docstore_metadata.jobs.repository import Job
from docstore_metadata.jobs.worker import JobWorker
from docstore_metadata.journal.api import changes_router
from docstore_metadata.journal.folder_feed import FolderFeed
from docstore_metadata.journal.repository import MongoJournal, create_journal_indexes
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.links.api import links_router
from docstore_metadata.links.pages.embed import embed_router
from docstore_metadata.links.pages.page import page_router
from docstore_metadata.links.pages.rendering import Shown
from docstore_metadata.links.visits.api import LinkZips, link_editing_router, link_uploads_router, link_visits_router
from docstore_metadata.links.visits.editing import LinkEditing
from docstore_metadata.links.visits.previews import PagePreviews
from docstore_metadata.links.visits.receiving import LinkReceiving
from docstore_metadata.links.wiring import LinkFeature
from docstore_metadata.listing.api import listing_router
from docstore_metadata.listing.service import Listings
from docstore_metadata.people.worker import DisplayNameResolver
from docstore_metadata.photos.api import photos_router
from docstore_metadata.photos.repository import MongoPhotos
from docstore_metadata.photos.service import PhotoService
from docstore_metadata.read_credentials.api import read_credentials_router
from docstore_metadata.read_credentials.rules import StoreLocation
from docstore_metadata.read_credentials.service import ReadCredentialsService
from docstore_metadata.reservations import Reservations
from docstore_metadata.retention.api import retention_router
from docstore_metadata.retention.repository import MongoRetentionRoots
from docstore_metadata.retention.service import RetentionService
from docstore_metadata.retention.worker import RetentionSweeper
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.sharing.acceptance.admission import decline_all
from docstore_metadata.sharing.acceptance.api import acceptance_router
from docstore_metadata.sharing.acceptance.service import ShareAcceptanceService
from docstore_metadata.sharing.api import shares_router
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.sharing.service import ShareService
from docstore_metadata.storage import Store
from docstore_metadata.subscribers import MetadataSubscribers
from docstore_metadata.sync.api import sync_router
from docstore_metadata.sync.compare import Comparer
from docstore_metadata.sync.repository import MongoSyncTree
from docstore_metadata.sync.snapshot import Snapshots
from docstore_metadata.trash.api import trash_router
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.projection_repository import MongoProjection
from docstore_metadata.tree.views.batching_tree import BatchingTree
from docstore_metadata.versions.api import versions_router
from docstore_metadata.versions.repository import MongoOldContents, MongoUnreferencedContents
from docstore_metadata.versions.service import VersionService
from docstore_metadata.versions.tiering import StorageTiering
from docstore_metadata.versions.unreferenced_contents import UnreferencedContentRemover
from docstore_metadata.zips.api import zips_router
from docstore_metadata.zips.delivery import ZipDelivery
from docstore_metadata.zips.repository import MongoZipProgress, MongoZipTree
from docstore_metadata.zips.service import ZipService
from docstore_platform.clock import Clock, utc_now
from docstore_platform.consistency import consistency_router, from_secondary
from docstore_platform.http.client_origins import origins_or_public
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Database, Mongo, server_time
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.secret_list import secret_list
from docstore_platform.web import service_app
from docstore_work.leader_lease import LeaderLease
from docstore_work.loop import Loop, running_loops


def create_app(settings: MetadataSettings | None = None, *, clock: Clock = utc_now) -> FastAPI:
    """Build the service; its lifespan opens and closes what it needs."""
    settings = settings or MetadataSettings()
    infra, bounds = settings.infra, settings.retention

    # Servers and other services
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-metadata")
    database = mongo.database(f"{infra.database_prefix}metadata")
    objects = ObjectStore(S3Config.of(infra))
    accounts, media = ServiceClient("accounts", infra, "metadata"), ServiceClient("media", infra, "metadata")
    quota, upload = ServiceClient("quota", infra, "metadata"), ServiceClient("upload", infra, "metadata")
    uploads = UploadClient(upload)

    # Repositories
    store = Store.in_mongo(database, lease_seconds=settings.job_lease_seconds)
    roots = MongoRetentionRoots(database["nodes"], bounds)
    sync_tree = MongoSyncTree(database)
    unreferenced = MongoUnreferencedContents(database, lease_seconds=settings.job_lease_seconds)
    old_contents = MongoOldContents(database)
    photos = MongoPhotos(database["nodes"])

    # Events
    tree, plain_tree = BatchingTree(store.nodes), Tree(store.nodes)
    pending = PendingShares(store, plain_tree)
    subscribers = MetadataSubscribers(partial(MongoProjection, database["nodes"]), pending)
    runtime = EventRuntime("metadata", infra, mongo, database, subscribers)
    transactor = runtime.transactor

    # Use cases
    resolver = DisplayNameResolver(AccountsClient(accounts), transactor, pending.register)
    names = DisplayNames(store.people.names_of, resolver.look_up)
    reservations = Reservations(QuotaClient(quota))
    trash = TrashService(store, tree, transactor, clock=clock)
    files = FileService(store, tree, transactor, trash, clock=clock)
    listings = Listings(store.pages, tree, cache_bytes=settings.listing_cache_bytes)
    copier = Copier(store, tree, transactor, reservations, trash, settings.max_copied_nodes, clock=clock)
    commits = CommitService(store, tree, transactor, bounds, clock=clock)
    versions = VersionService(store, tree, transactor, reservations, bounds, clock=clock)
    retention = RetentionService(roots, plain_tree, transactor, bounds, clock=clock)
    journal = MongoJournal(database)
    changes = ChangeFeed(journal)
    shares = ShareService(store, tree, transactor, resolver.look_up, clock=clock)
    acceptance = ShareAcceptanceService(store, tree, transactor, clock=clock)
    replica = replica_config(infra)
    reads = FailoverReads(objects, replica)
    contents = Contents(reads)
    delivery = Delivery(reads, contents)
    cold_storage = ColdStorage(settings, database, uploads, clock)
    access = cold_storage.access
    downloads = DownloadService(
        store,
        tree,
        versions,
        contents,
        delivery,
        access,
        settings.download_url_lifetime_seconds,
        settings.cdn_signed_cookies,
    )
    zip_progress = MongoZipProgress(database)
    zips = ZipService(tree, MongoZipTree(database), access)
    zip_delivery = ZipDelivery(contents, zip_progress, clock)

    async def lend(keys: Sequence[str], session_name: str) -> TemporaryCredentials:
        seconds = settings.read_credentials_lifetime_seconds
        return await read_credentials(objects, infra.s3_read_role_arn, keys, session_name=session_name, seconds=seconds)

    lending = ReadCredentialsService(tree, MongoZipTree(database), access, lend)

    secondary = from_secondary(database)
    consistency = TreeConsistency(
        store,
        MongoConsistencyRepairs(database, clock),
        Store.in_mongo(secondary, lease_seconds=settings.job_lease_seconds),
        MongoStoredPages(secondary),
        MongoStoredPages(database),
        plain_tree,
        transactor,
        objects,
        Contents(objects),
        clock,
    )

    # Links
    token_secrets = secret_list("METADATA_LINK_TOKEN_SECRETS", settings.link_token_secrets, infra)
    links = LinkFeature(
        settings, database, store, plain_tree, transactor, access, token_secrets=token_secrets, clock=clock
    )
    of_folders = FolderFeed(journal, tree, Cipher("docstore change cursors", *token_secrets))
    snapshots = Snapshots(store.nodes, sync_tree, tree, changes, of_folders)
    link_zips = LinkZips(links.visits, zips, zip_delivery)

    # Background work
    async def grant_more(job: Job, transaction: Transaction) -> bool:
        return await pending.grant_more(job.owner_id, transaction)

    async def decline_more(job: Job, transaction: Transaction) -> bool:
        return await decline_all(store, tree, job.owner_id, job.actor_id, transaction, before=job.id)

    earlier_now = partial(_earlier_now, database, clock)
    worker = JobWorker(store, tree, transactor, {"grant": grant_more, "decline": decline_more}, clock=clock)
    is_held = partial(deletions_held, database)
    remover = UnreferencedContentRemover(unreferenced, objects, uploads, is_held)
    leader = LeaderLease(database["leases"], "retention", seconds=settings.job_lease_seconds)
    retention_sweeper = RetentionSweeper(
        store, plain_tree, transactor, roots, bounds, leader, now=earlier_now, clock=clock
    )
    tiering = StorageTiering(old_contents, store.versions, objects, days=settings.cold_after_days, now=earlier_now)
    jobs_wakeup, poll_seconds = store.jobs.wakeup_name, settings.job_interval_ms / 1000
    loops = [
        Loop("metadata display names", resolver.resolve_next, resolver.wakeup_name),
        *([Loop.periodic("metadata store probes", reads.probe, infra.s3_probe_interval_seconds)] if replica else []),
        Loop("metadata jobs", worker.work, jobs_wakeup, poll_seconds),
        Loop("metadata object removal", remover.remove_due, jobs_wakeup, poll_seconds),
        links.loop,
        *cold_storage.loops(store, plain_tree, transactor),
    ]
    if settings.retention_interval_seconds:
        loops.append(Loop.sweeping("metadata retention", retention_sweeper.sweep, settings.retention_interval_seconds))
    if settings.cold_after_days:
        loops.append(Loop.sweeping("metadata cold storage", tiering.cool, settings.cold_interval_seconds))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.callback(links.close)
            for client in (accounts, quota, upload, media):
                stack.push_async_callback(client.close)
            for repository in (store, photos, unreferenced, roots, links, zip_progress, cold_storage):
                await repository.create_indexes()
            await create_journal_indexes(database, settings.journal_days)
            if settings.cold_after_days:
                await old_contents.create_indexes()
            await stack.enter_async_context(objects)
            await stack.enter_async_context(reads)
            await stack.enter_async_context(runtime.running())
            stack.push_async_callback(leader.give_up)
            await stack.enter_async_context(running_loops(loops))
            yield

    previews = PagePreviews(MediaClient(media))
    app = service_app(
        "metadata",
        infra,
        lifespan=lifespan,
        public=[
            listing_router(listings),
            zips_router(zips, zip_delivery),  # before the routes of one file: `zip` is no id
            fast_files_router(files, names),
            changes_router(changes, of_folders),
            files_router(files, copier, names),
            trash_router(trash, retention, names),
            photos_router(PhotoService(photos, tree)),
            versions_router(versions, names),
            downloads_router(downloads, delivery),
            read_credentials_router(
                lending, lambda: StoreLocation(origins_or_public(infra).store, infra.region, infra.bucket)
            ),
            sync_router(snapshots, Comparer(store.nodes, sync_tree, tree)),
            shares_router(shares, names),
            acceptance_router(acceptance, store, names),
            links_router(links.service),
            link_visits_router(links.visits, delivery, link_zips, previews),
            link_uploads_router(links.visits, LinkReceiving(store, plain_tree, transactor, uploads, clock=clock)),
            link_editing_router(links.visits, LinkEditing(files, trash)),
            access_overview_router(AccessOverview(store, plain_tree, transactor, clock=clock), links.service, names),
            retention_router(retention),
            retrievals_router(cold_storage.retrievals(versions.fetch), cold_storage.policy),
        ],
        internal=[
            internal_router(commits, changes, FileDirectory(store, tree)),
            annotations_router(AnnotationService(store, tree, transactor, clock=clock)),
            consistency_router(consistency.checks()),
            operations_router(runtime, database, republishers=("upload",)),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
    shows = Shown(previews, names, lambda: objects.public_origin, infra.public_url)
    for pages in (
        page_router(links.visits, delivery, link_zips, shows),
        embed_router(links.visits, shows, settings.link_embed_sites),
    ):
        app.router.routes.extend(pages.routes)
    return app


async def _earlier_now(database: Database, clock: Clock) -> datetime:
    """The earlier of the service's and the database's clock: one may be wrong."""
    return min(clock(), await server_time(database))
