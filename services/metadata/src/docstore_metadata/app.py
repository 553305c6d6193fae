"""Composition root of the metadata service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import chain

from fastapi import APIRouter, FastAPI

from docstore_contents.s3.store import ObjectStore, S3Config
from docstore_contracts.accounts import AccountsClient
from docstore_contracts.media import MediaClient
from docstore_contracts.quota import QuotaClient
from docstore_contracts.upload import UploadClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_metadata.access_overview.api import access_overview_router
from docstore_metadata.access_overview.service import AccessOverview
from docstore_metadata.annotations.api import annotations_router
from docstore_metadata.annotations.service import AnnotationService
from docstore_metadata.cold_storage.api import retrievals_router
from docstore_metadata.cold_storage.wiring import ColdStorage
from docstore_metadata.commits.service import CommitService
from docstore_metadata.consistency.wiring import tree_consistency
from docstore_metadata.display_names import DisplayNames
from docstore_metadata.downloads.api import downloads_router
from docstore_metadata.downloads.wiring import Downloads
from docstore_metadata.files.api import fast_files_router, files_router
from docstore_metadata.files.copying import Copier
from docstore_metadata.files.directory import FileDirectory
from docstore_metadata.files.service import FileService
from docstore_metadata.internal_api import internal_commits_router, internal_files_router
from docstore_metadata.jobs.wiring import job_loop
from docstore_metadata.journal.api import changes_router
from docstore_metadata.journal.folder_feed import FolderFeed
from docstore_metadata.journal.repository import MongoJournal, create_journal_indexes
from docstore_metadata.journal.service import ChangeFeed
from docstore_metadata.links.api import links_router
from docstore_metadata.links.pages.embed import embed_router
from docstore_metadata.links.pages.page import page_router
from docstore_metadata.links.pages.rendering import Shown
from docstore_metadata.links.visits.api import (
    LinkZips,
    link_contents_router,
    link_editing_router,
    link_uploads_router,
    link_visits_router,
)
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
from docstore_metadata.reservations import Reservations
from docstore_metadata.retention.api import retention_router
from docstore_metadata.retention.wiring import Retention
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.sharing.acceptance.api import acceptance_router, blocked_people_router
from docstore_metadata.sharing.acceptance.service import ShareAcceptanceService
from docstore_metadata.sharing.api import shares_router
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.sharing.service import ShareService
from docstore_metadata.storage import Core
from docstore_metadata.subscribers import MetadataSubscribers
from docstore_metadata.sync.api import sync_router
from docstore_metadata.sync.compare import Comparer
from docstore_metadata.sync.repository import MongoSyncTree
from docstore_metadata.sync.snapshot import Snapshots
from docstore_metadata.trash.api import trash_router
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.projection_repository import MongoProjection
from docstore_metadata.versions.api import versions_router
from docstore_metadata.versions.service import VersionService
from docstore_metadata.versions.wiring import StoredContents
from docstore_metadata.zips.api import zips_router
from docstore_platform.clock import Clock, utc_now
from docstore_platform.consistency import consistency_router
from docstore_platform.http.client_origins import origins_or_public
from docstore_platform.mongodb.client import Mongo
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.secret_list import secret_list
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient
from docstore_platform.settings import InfraSettings
from docstore_work.loop import Loop, running_loops


def create_app(settings: MetadataSettings | None = None, *, clock: Clock = utc_now) -> FastAPI:
    """Build the service; its lifespan opens and closes what it needs."""
    settings = settings or MetadataSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-metadata")
    database = mongo.database(f"{infra.database_prefix}metadata")
    runtime = EventRuntime("metadata", infra, mongo, database)
    core = Core.of(settings, database, runtime.transactor, clock)
    objects = ObjectStore(S3Config.of(infra))
    services = _Services(infra)
    features = _Features(core, objects, services)
    new_projection = partial(MongoProjection, database["nodes"])
    runtime.subscribe(MetadataSubscribers(new_projection, features.pending, core.store.jobs))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.callback(features.links.close)
            stack.push_async_callback(services.close)
            await features.create_indexes()
            await stack.enter_async_context(objects)
            await stack.enter_async_context(features.downloads.reads)
            await stack.enter_async_context(runtime.running())
            stack.push_async_callback(features.retention.leader.give_up)
            await stack.enter_async_context(running_loops(features.loops))
            yield

    app = service_app(
        "metadata",
        infra,
        lifespan=lifespan,
        public=_public_routers(features),
        internal=[
            internal_commits_router(features.commits),
            internal_files_router(FileDirectory(core.store, core.tree), features.changes),
            annotations_router(AnnotationService(core.store, core.tree, core.transactor, clock=clock)),
            consistency_router(tree_consistency(core, objects).checks()),
            operations_router(runtime, database, republishers=("upload",)),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
    for pages in _link_pages(features, objects):
        app.router.routes.extend(pages.routes)
    return app


class _Services:
    """Clients of the services that metadata calls."""

    def __init__(self, infra: InfraSettings) -> None:
        accounts, media = ServiceClient("accounts", infra, "metadata"), ServiceClient("media", infra, "metadata")
        quota, upload = ServiceClient("quota", infra, "metadata"), ServiceClient("upload", infra, "metadata")
        self._clients = accounts, media, quota, upload
        self.accounts, self.media = AccountsClient(accounts), MediaClient(media)
        self.quota, self.uploads = QuotaClient(quota), UploadClient(upload)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


class _Features:
    """The use cases, each built on those above it."""

    def __init__(self, core: Core, objects: ObjectStore, services: _Services) -> None:
        settings, clock = core.settings, core.clock
        bounds, use_cases = settings.retention, (core.store, core.tree, core.transactor)
        self.core = core
        self.uploads = services.uploads

        # People
        self.pending = PendingShares(core.store, core.plain_tree)
        self.resolver = DisplayNameResolver(services.accounts, core.transactor, self.pending.register)
        self.names = DisplayNames(core.store.people.names_of, self.resolver.look_up)

        # Files and their versions
        reservations = Reservations(services.quota)
        self.trash = TrashService(*use_cases, clock=clock)
        self.files = FileService(*use_cases, self.trash, clock=clock)
        self.copier = Copier(*use_cases, reservations, self.trash, settings.max_copied_nodes, clock=clock)
        self.commits = CommitService(*use_cases, bounds, clock=clock)
        self.versions = VersionService(*use_cases, reservations, bounds, clock=clock)
        self.retention = Retention(core)
        self.photos = MongoPhotos(core.database["nodes"])

        # Contents
        self.stored_contents = StoredContents(core, objects, services.uploads)
        self.cold_storage = ColdStorage(core, services.uploads)
        self.downloads = Downloads(core, objects, self.versions, self.cold_storage.access)

        # Shares and links
        self.shares = ShareService(*use_cases, self.resolver.look_up, clock=clock)
        self.acceptance = ShareAcceptanceService(*use_cases, clock=clock)
        token_secrets = secret_list("METADATA_LINK_TOKEN_SECRETS", settings.link_token_secrets, settings.infra)
        self.links = LinkFeature(core, self.cold_storage.access, token_secrets=token_secrets)
        self.link_zips = LinkZips(self.links.visits, self.downloads.zips, self.downloads.zip_delivery)
        self.previews = PagePreviews(services.media)

        # Changes
        journal = MongoJournal(core.database)
        self.changes = ChangeFeed(journal)
        self.of_folders = FolderFeed(journal, core.tree, Cipher("docstore change cursors", *token_secrets))

        self._wired = self.retention, self.links, self.stored_contents, self.downloads, self.cold_storage
        self.loops = [
            Loop("metadata display names", self.resolver.resolve_next, self.resolver.wakeup_name),
            job_loop(core, self.pending),
            *chain.from_iterable(feature.loops for feature in self._wired),
        ]

    async def create_indexes(self) -> None:
        for feature in (self.core.store, self.photos, *self._wired):
            await feature.create_indexes()
        await create_journal_indexes(self.core.database, self.core.settings.journal_days)


def _public_routers(features: _Features) -> list[APIRouter]:
    core, names, trash, downloads = features.core, features.names, features.trash, features.downloads
    infra, visits = core.settings.infra, features.links.visits
    use_cases = core.store, core.plain_tree, core.transactor
    sync_tree = MongoSyncTree(core.database)
    snapshots = Snapshots(core.store.nodes, sync_tree, core.tree, features.changes, features.of_folders)
    return [
        listing_router(Listings(core.store.pages, core.tree, cache_bytes=core.settings.listing_cache_bytes)),
        zips_router(downloads.zips, downloads.zip_delivery),  # before the routes of one file: `zip` is no id
        fast_files_router(features.files, names),
        changes_router(features.changes, features.of_folders),
        files_router(features.files, features.copier, names),
        trash_router(trash, features.retention.service, names),
        photos_router(PhotoService(features.photos, core.tree)),
        versions_router(features.versions, names),
        downloads_router(downloads.service, downloads.delivery),
        read_credentials_router(
            downloads.lending, lambda: StoreLocation(origins_or_public(infra).store, infra.region, infra.bucket)
        ),
        sync_router(snapshots, Comparer(core.store.nodes, sync_tree, core.tree)),
        shares_router(features.shares, names),
        acceptance_router(features.acceptance, core.store, names),
        blocked_people_router(features.acceptance, core.store, names),
        links_router(features.links.service),
        link_visits_router(visits),
        link_contents_router(visits, downloads.delivery, features.link_zips, features.previews),
        link_uploads_router(visits, LinkReceiving(*use_cases, features.uploads, clock=core.clock)),
        link_editing_router(visits, LinkEditing(features.files, trash)),
        access_overview_router(AccessOverview(*use_cases, clock=core.clock), features.links.service, names),
        retention_router(features.retention.service),
        retrievals_router(features.cold_storage.retrievals(features.versions.fetch), features.cold_storage.policy),
    ]


def _link_pages(features: _Features, objects: ObjectStore) -> list[APIRouter]:
    settings, visits = features.core.settings, features.links.visits
    shows = Shown(features.previews, features.names, lambda: objects.public_origin, settings.infra.public_url)
    return [
        page_router(visits, features.downloads.delivery, features.link_zips, shows),
        embed_router(visits, shows, settings.link_embed_sites),
    ]
