"""Steps of every public call: path, client, login, limits, idempotency; then the service that owns the route."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Literal
from urllib.parse import quote

import structlog
from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docstore_contracts import replication
from docstore_contracts.accounts import AccountsClient
from docstore_gateway.dav.service import WebDav, is_dav, is_open, with_basic_challenge
from docstore_gateway.edge.admission import Admission
from docstore_gateway.edge.client_ip import limit_group
from docstore_gateway.edge.client_origins import OriginsOfClients
from docstore_gateway.edge.cors import Cors
from docstore_gateway.edge.idempotency.service import Call, IdempotencyKeys, StoredResponse
from docstore_gateway.edge.limits.rate_limits import RateLimiter
from docstore_gateway.edge.recording.service import CallRecorder
from docstore_gateway.edge.requests import (
    Exchange,
    bounded,
    exchange_of,
    headers_for_service,
    scope_for_service,
)
from docstore_gateway.edge.response_headers import ResponseHeaders
from docstore_gateway.edge.routes import (
    DAV_ROUTE,
    MUTATING,
    Limit,
    check_method,
    clean_path,
    find_route,
    ignores_key,
    is_routed,
)
from docstore_gateway.mcp.service import MCP_PATH, METADATA_PATHS, McpService
from docstore_gateway.proxy.service import Forwarder
from docstore_gateway.push.long_poll import CHANGES_PATH, poll_changes
from docstore_gateway.push.waiting import Waiting
from docstore_gateway.responses import send_problem, send_response
from docstore_gateway.settings import GatewaySettings
from docstore_gateway.web.form import WebForm, is_form
from docstore_gateway.web.session import PREFIX, WebSessions
from docstore_platform.errors import DomainError, not_found
from docstore_platform.http.body_limits import ClientGone, body_limit, read_body, replaying
from docstore_platform.http.client_origins import client_at
from docstore_platform.http.problems import Problem, problem_of
from docstore_platform.http.read_header import take_read
from docstore_platform.http.server.operators import is_from_operators
from docstore_platform.security.tokens import TokenVerifier
from docstore_platform.services import ServiceName
from docstore_platform.telemetry.logs import loggable_path
from docstore_platform.telemetry.request_metrics import UNMATCHED
from docstore_platform.telemetry.tracing import http_request, http_served, is_tracing, span

log = structlog.get_logger(__name__)

NAME: Literal["gateway"] = "gateway"
NO_PEERS_SECONDS = 60.0
"""How long the gateway itself refuses calls of other regions, once accounts has shown by a 404 that it has no peers."""


class Edge:
    """Raw ASGI in front of the gateway's own app: `/v1` calls never touch FastAPI's routing."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        verifier: TokenVerifier,
        accounts: AccountsClient,
        limiter: RateLimiter,
        idempotency: IdempotencyKeys,
        forwarders: Mapping[ServiceName, Forwarder],
        waiting: Waiting,
        web: WebSessions,
        form: WebForm,
        dav: WebDav,
        mcp: McpService,
        recorder: CallRecorder,
    ) -> None:
        self._settings = settings
        self._waiting = waiting
        self._web = web
        self._admission = Admission(settings, verifier, accounts, limiter, web)
        self._form = form
        self._dav = dav
        self._mcp = mcp
        self._idempotency = idempotency
        self._forwarders = forwarders
        self._recorder = recorder
        self._cors = Cors(settings.cors_origins)
        secure = settings.infra.public_url.startswith("https:")
        self._headers = ResponseHeaders(strict_transport=secure and settings.strict_transport)
        self._origins = OriginsOfClients(settings)
        self._no_peers_until: dict[str, float] = {}

    async def serve(self, own: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; `own` answers everything outside `/v1`."""
        started = time.perf_counter()
        exchange = exchange_of(scope, self._settings.trusted_proxies)
        if b"origin" in exchange.headers:
            exchange.extra = self._cors.headers(exchange.headers[b"origin"])
        raw = scope.get("raw_path") or quote(scope["path"]).encode()
        public = is_routed(scope["path"])

        async def send_out(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                if public:
                    kept, exchange.read = take_read(message["headers"])
                    message = {**message, "headers": kept}
                headers = self._headers.complete(message["headers"], exchange, scope["path"], public=public)
                message = {**message, "headers": headers}
            elif not message.get("more_body", False):
                exchange.complete = True
            await send(message)

        tokens = structlog.contextvars.bind_contextvars(service=NAME, request_id=exchange.request_id.decode())
        traceparent = exchange.headers.get(b"traceparent")
        parent = traceparent.decode("latin-1") if traceparent else None
        try:
            with span(
                f"{exchange.method} {NAME}",
                service=NAME,
                kind=SpanKind.SERVER,
                traceparent=parent,
                trusted=False,
                attributes=http_request(scope) if is_tracing() else None,
            ) as current:
                try:
                    with client_at(self._origins.of(scope, exchange.headers)):
                        await self._answer(own, public, exchange, raw, scope, receive, send_out)
                finally:
                    route = None if exchange.route == UNMATCHED else exchange.route
                    http_served(current, exchange.method, route, exchange.status)
                    self._recorder.record(exchange, scope["path"], time.perf_counter() - started, public=public)
        finally:
            structlog.contextvars.reset_contextvars(**tokens)

    async def _answer(
        self,
        own: ASGIApp,
        public: bool,
        exchange: Exchange,
        raw: bytes,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        try:
            if exchange.method == "OPTIONS" and b"access-control-request-method" in exchange.headers:
                await send_response(send, 204, self._cors.preflight(exchange.extra), b"")
            elif public:
                await self._call(own, exchange, raw, scope, receive, send)
            elif is_dav(scope["path"]):
                await self._dav_call(exchange, raw, scope, receive, send)
            elif scope["path"].startswith(PREFIX):
                pages = self._form if is_form(scope["path"]) else self._web
                await pages.serve(partial(self._web_call, own, exchange), scope, receive, send)
            elif scope["path"] == MCP_PATH:
                await self._mcp_call(own, exchange, scope, receive, send)
            elif scope["path"] in METADATA_PATHS:
                await self._admission.spend(exchange, Limit.ANONYMOUS, limit_group(exchange.client))
                await self._mcp.describe(send)
            elif scope["path"].lstrip("/").startswith("internal") and not is_from_operators(scope):
                await self._region_call(exchange, raw, scope, receive, send)
            else:
                exchange.own = True
                await own(scope, receive, send)
        except DomainError as error:
            if exchange.status:
                raise
            self._admission.show_rest(exchange, error)
            await send_problem(send, error)
        except ClientGone:
            exchange.status = exchange.status or 499
        except Exception as error:  # a bug in one route: logged, 500, and the process continues
            if exchange.complete:
                return
            if exchange.status:
                raise
            log.error("request_failed", path=loggable_path(scope["path"]), exc_info=error)
            await send_problem(send, Problem(500, "internal_error", "Something went wrong. The error was logged."))

    async def _call(
        self, own: ASGIApp, exchange: Exchange, raw: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        check_method(exchange.method)
        path = clean_path(raw)
        route = find_route(path)
        exchange.route = route.prefix
        scope = self._admission.with_cookie(exchange, scope, path)
        who, scope = await self._admission.admit(exchange, path, scope)
        limit = self._body_limit(path)
        receive = await bounded(exchange, receive, limit)
        inner = scope_for_service(scope, exchange, path)
        if path == CHANGES_PATH and exchange.method == "GET" and exchange.principal is not None:
            metadata = self._forwarders["metadata"]
            await poll_changes(self._waiting, metadata, exchange.principal, inner, receive, send)
            return
        exchange.own = route.owner == NAME
        forward = own if exchange.own else self._forwarders[route.owner].forward
        key = exchange.headers.get(b"idempotency-key")
        if key is None or exchange.method not in MUTATING or ignores_key(path):
            await forward(inner, receive, send)
            return
        body = await read_body(receive, limit)
        target = path + "?" + scope["query_string"].decode("latin-1")
        outcome = await self._idempotency.begin(Call(who, key.decode("latin-1"), exchange.method, target, body))
        if isinstance(outcome, StoredResponse):
            await outcome.send_to(send)
            return
        async with outcome.held():
            await forward(inner, replaying(body, receive), outcome.recording(send))

    async def _web_call(self, own: ASGIApp, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        """Make the public call behind a route of the web page; logged as if the page had made it itself."""
        exchange.method, exchange.headers = scope["method"], dict(reversed(scope["headers"]))
        status = 500

        async def send_on(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._call(own, exchange, scope["raw_path"], scope, receive, send_on)
        except DomainError as error:
            status = problem_of(error).status
            raise
        finally:
            self._recorder.audit(exchange, scope["path"], status)

    async def _dav_call(self, exchange: Exchange, raw: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a WebDAV request. A cookie is no log-in here: no page may make a browser send one."""
        exchange.route = DAV_ROUTE
        if is_open(exchange.method, scope["path"]):
            await self._admission.spend(exchange, Limit.ANONYMOUS, limit_group(exchange.client))
            await self._dav.serve_open(scope, send)
            return
        try:
            identity = await self._admission.identify(exchange)
        except DomainError as error:
            raise with_basic_challenge(error) from None
        await self._admission.spend(exchange, Limit.DAV, identity.principal.account_id)
        inner = {**scope, "raw_path": raw, "headers": headers_for_service(exchange, identity.access_token)}
        exchange.read = await self._dav.serve(
            identity.principal, identity.user_name, exchange.headers, inner, receive, send
        )

    async def _region_call(self, exchange: Exchange, raw: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a signed call of another region; 404 for any other internal route, and where there are no peers."""
        path = raw.decode("latin-1")
        is_route = path in replication.PATHS and exchange.method == "POST"
        if not is_route or time.monotonic() < self._no_peers_until.get(path, 0.0):
            raise not_found("route")
        exchange.route = path
        await self._admission.spend(exchange, Limit.PEER, limit_group(exchange.client))
        receive = await bounded(exchange, receive, self._body_limit(path))
        await self._forwarders["accounts"].forward(scope_for_service(scope, exchange, path), receive, send)
        if exchange.status == 404:
            self._no_peers_until[path] = time.monotonic() + NO_PEERS_SECONDS

    async def _mcp_call(self, own: ASGIApp, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of an assistant. A cookie is no log-in here, and pages of other sites may not call."""
        exchange.route = MCP_PATH
        try:
            identity = await self._admission.identify(exchange)
        except Problem as error:
            raise (self._mcp.challenged(error) if error.status == 401 else error) from None
        if not exchange.extra:
            self._web.require_same_origin(exchange.headers)
        await self._admission.spend(exchange, Limit.ACCOUNT, identity.principal.account_id)
        call = partial(self._web_call, own, exchange)
        await self._mcp.serve(identity.principal, identity.access_token, call, scope, receive, send)

    def _body_limit(self, path: str) -> int:
        return min(body_limit(path), self._settings.max_body_bytes)
