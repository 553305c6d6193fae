"""Composition root of the gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from docstore_contracts.accounts import AccountsClient
from docstore_contracts.consistency import ConsistencyClient
from docstore_contracts.metadata import MetadataClient
from docstore_contracts.operations import OperationsClient
from docstore_events.consuming.broadcast import Broadcast
from docstore_events.runtime import EventRuntime
from docstore_gateway.admin.api import admin_events_router, operation_router, verification_router
from docstore_gateway.admin.backups import BackupsService
from docstore_gateway.admin.consistency import ConsistencyService
from docstore_gateway.admin.dead_letters import DeadLetterService
from docstore_gateway.admin.event_feed import EventFeed, FeedStream
from docstore_gateway.admin.health import HealthService
from docstore_gateway.admin.log_files import LogFiles
from docstore_gateway.admin.logs import LogService, LogSource
from docstore_gateway.admin.loki import Loki
from docstore_gateway.admin.readiness import ServicesReady
from docstore_gateway.dav.protocol.request import Doors, Once
from docstore_gateway.dav.service import WebDav
from docstore_gateway.edge.idempotency.repository import MongoIdempotencyRows
from docstore_gateway.edge.idempotency.service import Call, IdempotencyKeys
from docstore_gateway.edge.limits.rate_limits import RateLimiter
from docstore_gateway.edge.limits.repository import MongoTokenBuckets
from docstore_gateway.edge.recording.access_log import open_access_log
from docstore_gateway.edge.recording.call_log import CallLog
from docstore_gateway.edge.recording.service import CallRecorder
from docstore_gateway.edge.service import NAME, Edge
from docstore_gateway.mcp.service import McpService
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_gateway.proxy.service import Forwarder, open_forwarder
from docstore_gateway.push.api import events_router
from docstore_gateway.push.revocations import RevocationFollower
from docstore_gateway.push.stream import EventStream
from docstore_gateway.push.waiting import TOPICS, Waiting
from docstore_gateway.responses import CapturedResponse
from docstore_gateway.settings import GatewaySettings
from docstore_gateway.web.api import internal_docs_router, pages_router
from docstore_gateway.web.built_pages import web_router
from docstore_gateway.web.form import WebForm
from docstore_gateway.web.form_pages import FormPages
from docstore_gateway.web.session import WebSessions
from docstore_platform.http.server.stopping import on_stopping
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.security.secret_list import secret_list
from docstore_platform.security.tokens import TokenVerifier
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient, Transport, open_transport
from docstore_platform.services import SERVICE_NAMES, ServiceName
from docstore_platform.tasks import end_tasks

SERVICES: tuple[ServiceName, ...] = tuple(name for name in SERVICE_NAMES if name != NAME)


class EdgeMiddleware:
    """Outermost middleware: every request goes through the edge, which asks `app` only for the gateway's own routes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        edge: Edge | None = getattr(scope["app"].state, "edge", None)
        if edge is None:  # not started yet: the app responds
            await self.app(scope, receive, send)
            return
        await edge.serve(self.app, scope, receive, send)


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    settings = settings or GatewaySettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(infra.database_prefix + NAME)
    runtime = EventRuntime(NAME, infra, mongo, database)
    clients: dict[str, ServiceClient] = {name: ServiceClient(name, infra, NAME) for name in SERVICES}
    transports: dict[str, Transport] = {name: open_transport(infra.service_url(name)) for name in SERVICES}
    ready = ServicesReady(transports)
    operations = {name: OperationsClient(client) for name, client in clients.items()}
    feed = EventFeed(NAME, infra)
    stores = _Stores(settings, database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            await stores.create_indexes()
            for name in SERVICES:
                stack.push_async_callback(clients[name].close)
                stack.push_async_callback(transports[name].close)
            forwarders = await stack.enter_async_context(_forwarders(settings))
            revocations = RevocationFollower(AccountsClient(clients["accounts"]))
            app.state.verifier.also(revocations.check)
            metadata = MetadataClient(clients["metadata"])
            waiting = await stack.enter_async_context(_waiting(settings, metadata, revocations))
            stack.callback(on_stopping(feed.stop))
            revocations.listen(lambda _: feed.wake())
            pause = settings.heartbeat_interval_seconds
            app.state.feed_streams = partial(FeedStream, feed, revocations.covers, heartbeat_seconds=pause)
            app.state.event_streams = partial(EventStream, waiting, forwarders["metadata"], heartbeat_seconds=pause)
            edge = _edge(settings, stores, app.state.verifier, clients, forwarders, waiting, runtime)
            app.state.edge = await stack.enter_async_context(edge)
            yield

    consistency = ConsistencyService({name: ConsistencyClient(client) for name, client in clients.items()})
    health = HealthService(operations, {NAME: runtime.health})
    logs = LogService(_log_source(settings))
    app = service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[
            operation_router(health, BackupsService(settings.backups_folder), logs),
            admin_events_router(DeadLetterService(operations)),
            verification_router(consistency),
            events_router(),
        ],
        needs={"mongodb": mongo.check},
        checks={"database": mongo.ping, **{name: ready.check(name) for name in SERVICES}},
    )
    web = web_router(settings.web_dir, infra, settings.asset_url)
    for router in (pages_router(settings), internal_docs_router(operations), web):
        app.router.routes.extend(router.routes)
    app.add_middleware(EdgeMiddleware)
    return app


class _Stores:
    """Rate limits and idempotency keys."""

    def __init__(self, settings: GatewaySettings, database: Database) -> None:
        self._buckets = MongoTokenBuckets(database)
        self._rows = MongoIdempotencyRows(
            database, lease_seconds=settings.idempotency_lease_seconds, hours=settings.idempotency_lifetime_hours
        )
        self.limiter = RateLimiter(self._buckets)
        self.idempotency = IdempotencyKeys(self._rows, settings)

    async def create_indexes(self) -> None:
        await self._buckets.create_indexes()
        await self._rows.create_indexes()


@asynccontextmanager
async def _forwarders(settings: GatewaySettings) -> AsyncIterator[Mapping[ServiceName, Forwarder]]:
    """What forwards requests, by service."""
    forwarders: dict[ServiceName, Forwarder] = {}
    async with AsyncExitStack() as stack:
        for name in SERVICES:
            forwarders[name] = open_forwarder(
                settings.infra.service_url(name),
                name,
                connect_seconds=settings.connect_timeout_seconds,
                answer_seconds=settings.answer_timeout_seconds,
            )
            stack.push_async_callback(forwarders[name].close)
        yield forwarders


@asynccontextmanager
async def _edge(
    settings: GatewaySettings,
    stores: _Stores,
    verifier: TokenVerifier,
    clients: Mapping[str, ServiceClient],
    forwarders: Mapping[ServiceName, Forwarder],
    waiting: Waiting,
    runtime: EventRuntime,
) -> AsyncIterator[Edge]:
    """The edge, and what it opens of its own."""
    infra, idempotency = settings.infra, stores.idempotency
    async with AsyncExitStack() as stack:
        urls = ObjectUrls(infra)
        stack.push_async_callback(urls.close)
        mcp = McpService(urls, infra.public_url)
        stack.push_async_callback(mcp.close)
        hosts = {urlsplit(infra.public_url).netloc.lower()}
        doors = Doors(MetadataClient(clients["metadata"]), urls, hosts=hosts, once=_once(idempotency))
        web = WebSessions(infra, verifier, secret_list("GATEWAY_CSRF_SECRETS", settings.csrf_secrets, infra))
        yield Edge(
            settings,
            verifier=verifier,
            accounts=AccountsClient(clients["accounts"]),
            limiter=stores.limiter,
            idempotency=idempotency,
            forwarders=forwarders,
            waiting=waiting,
            web=web,
            form=WebForm(web, FormPages(infra), settings.form_bytes),
            dav=WebDav(doors, forwarders),
            mcp=mcp,
            recorder=CallRecorder(await stack.enter_async_context(_call_log(runtime)), open_access_log(infra)),
        )


def _log_source(settings: GatewaySettings) -> LogSource | None:
    if settings.logs_folder is not None:
        return LogFiles(settings.logs_folder)
    if url := settings.loki_url.get_secret_value():
        return Loki(url, settings.loki_selector, timedelta(days=settings.loki_days), settings.loki_tenant)
    if groups := settings.cloudwatch_log_groups:
        from docstore_gateway.admin.cloudwatch import CloudWatch  # loads boto3: 20 MB that nothing else here needs

        region = settings.cloudwatch_region or settings.infra.region
        return CloudWatch(groups, region, timedelta(days=settings.cloudwatch_days))
    return None


@asynccontextmanager
async def _call_log(runtime: EventRuntime) -> AsyncIterator[CallLog]:
    """The call log, closed before the relay ends so that it can publish the last calls."""
    calls = CallLog(runtime.transactor)
    async with runtime.running():
        publishing = asyncio.create_task(calls.run(), name="gateway call log")
        try:
            yield calls
        finally:
            await end_tasks([publishing])
            await calls.close()


@asynccontextmanager
async def _waiting(
    settings: GatewaySettings, metadata: MetadataClient, revocations: RevocationFollower
) -> AsyncIterator[Waiting]:
    """Waiting clients, and the tasks that wake and end them."""
    waiting = Waiting(
        metadata,
        revocations.covers,
        max_streams=settings.max_streams,
        check_seconds=settings.journal_check_interval_seconds,
    )
    revocations.listen(waiting.end_revoked)
    broadcast = Broadcast(
        NAME, settings.infra, TOPICS, lambda envelope: waiting.handle(envelope.event), waiting.check_now
    )
    tasks = [
        asyncio.create_task(broadcast.run(), name="gateway broadcast"),
        asyncio.create_task(waiting.keep_checking(), name="gateway journal checks"),
        asyncio.create_task(revocations.run(), name="gateway revocations"),
    ]
    forget = on_stopping(waiting.stop)
    try:
        yield waiting
    finally:
        forget()
        waiting.stop()
        await end_tasks(tasks)


def _once(idempotency: IdempotencyKeys) -> Once:
    """What WebDAV starts once, whichever gateways a client's requests reach."""

    async def once(caller: str, key: str, body: bytes, make: Callable[[Send], Awaitable[None]]) -> CapturedResponse:
        return await idempotency.once(Call(f"dav:{caller}", key, "POST", "/v1/uploads", body), make)

    return once
