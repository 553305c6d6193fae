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
from docstore_gateway.edge.access_log import AccessLog
from docstore_gateway.edge.call_log import CallLog, is_audited
from docstore_gateway.edge.client_ip import limit_group
from docstore_gateway.edge.cors import Cors
from docstore_gateway.edge.idempotency import Call, IdempotencyKeys, StoredResponse
from docstore_gateway.edge.rate_limits import Policy, RateLimiter
from docstore_gateway.edge.requests import Exchange, bounded, exchange_of, scope_for_service
from docstore_gateway.edge.response_headers import ResponseHeaders
from docstore_gateway.edge.routes import (
    MUTATING,
    Limit,
    check_method,
    clean_path,
    find_route,
    ignores_key,
    is_routed,
    open_limit,
)
from docstore_gateway.proxy.service import Forwarder
from docstore_gateway.push.long_poll import CHANGES_PATH, poll_changes
from docstore_gateway.push.waiting import Waiting
from docstore_gateway.responses import send_problem, send_response
from docstore_gateway.settings import GatewaySettings
from docstore_gateway.web.form import WebForm, is_form
from docstore_gateway.web.session import CSRF_HEADER, PREFIX, WebSessions, with_authorization
from docstore_platform.errors import DomainError, not_found
from docstore_platform.http.body_limits import ClientGone, body_limit, read_body, replaying
from docstore_platform.http.operators import is_from_operators
from docstore_platform.http.problems import Problem, problem_of
from docstore_platform.http.read_header import take_read
from docstore_platform.security.tokens import TokenVerifier, bearer_token
from docstore_platform.services import ServiceName
from docstore_platform.telemetry.logs import loggable_path
from docstore_platform.telemetry.metrics import http_seconds
from docstore_platform.telemetry.request_metrics import UNMATCHED
from docstore_platform.telemetry.tracing import http_request, http_served, is_tracing, span

log = structlog.get_logger(__name__)

NAME: Literal["gateway"] = "gateway"


class Edge:
    """Raw ASGI in front of the gateway's own app: `/v1` calls never touch FastAPI's routing."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        verifier: TokenVerifier,
        limiter: RateLimiter,
        idempotency: IdempotencyKeys,
        forwarders: Mapping[ServiceName, Forwarder],
        waiting: Waiting,
        web: WebSessions,
        form: WebForm,
        call_log: CallLog,
        access_log: AccessLog | None,
    ) -> None:
        self._settings = settings
        self._waiting = waiting
        self._web = web
        self._form = form
        self._verifier = verifier
        self._limiter = limiter
        self._idempotency = idempotency
        self._forwarders = forwarders
        self._call_log = call_log
        self._access_log = access_log
        self._cors = Cors(settings.cors_origins)
        self._policies = {
            Limit.SIGN_UP: Policy.strict("sign_up", settings.sign_up_per_minute),
            Limit.LOG_IN: Policy.strict("log_in", settings.log_in_per_minute),
            Limit.REFRESH: Policy.strict("refresh", settings.refresh_per_minute),
            Limit.ANONYMOUS: Policy.cheap("anonymous", settings.anonymous_per_minute),
            Limit.ACCOUNT: Policy.cheap("account", settings.account_per_minute),
            Limit.PEER: Policy.cheap("peer", settings.peer_per_minute),
        }
        self._headers = ResponseHeaders(settings.infra.public_url)

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
                    await self._answer(own, public, exchange, raw, scope, receive, send_out)
                finally:
                    route = None if exchange.route == UNMATCHED else exchange.route
                    http_served(current, exchange.method, route, exchange.status)
                    self._note(exchange, scope, public, time.perf_counter() - started)
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
            elif scope["path"].startswith(PREFIX):
                pages = self._form if is_form(scope["path"]) else self._web
                await pages.serve(partial(self._web_call, own, exchange), scope, receive, send)
            elif scope["path"].lstrip("/").startswith("internal") and not is_from_operators(scope):
                await self._region_call(exchange, raw, scope, receive, send)
            else:
                exchange.own = True
                await own(scope, receive, send)
        except DomainError as error:
            if exchange.status:
                raise
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
        scope = self._with_cookie(exchange, scope, path)
        who = await self._admit(exchange, path)
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
            self._record_call(exchange, scope["path"], status)

    def _with_cookie(self, exchange: Exchange, scope: Scope, path: str) -> Scope:
        """Return the request with the access token of the page's cookie, unless it has its own."""
        cookies = exchange.headers.get(b"cookie")
        if cookies is None or b"authorization" in exchange.headers or open_limit(exchange.method, path) is not None:
            return scope
        token = self._web.access_token(cookies)
        if token is None:
            return scope
        exchange.by_cookie = True
        exchange.headers[b"authorization"] = b"Bearer " + token.encode()
        return with_authorization(scope, token)

    async def _region_call(self, exchange: Exchange, raw: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a signed call of another region; 404 for any other internal route."""
        path = raw.decode("latin-1")
        if path not in replication.PATHS or exchange.method != "POST":
            raise not_found("route")
        exchange.route = path
        await self._spend(exchange, Limit.PEER, limit_group(exchange.client))
        receive = await bounded(exchange, receive, self._body_limit(path))
        await self._forwarders["accounts"].forward(scope_for_service(scope, exchange, path), receive, send)

    async def _admit(self, exchange: Exchange, path: str) -> str:
        """Check login and limits; return the caller for Idempotency-Keys."""
        limit = open_limit(exchange.method, path)
        if limit is not None:
            await self._spend(exchange, limit, limit_group(exchange.client))
            return f"address:{limit_group(exchange.client)}"
        authorization = exchange.headers.get(b"authorization")
        token = bearer_token(authorization.decode("latin-1") if authorization else None)
        principal = await self._verifier.verify(token)
        exchange.principal = principal
        if exchange.by_cookie and exchange.method in MUTATING:
            self._web.require_csrf(principal, exchange.headers.get(CSRF_HEADER))
        await self._spend(exchange, Limit.ACCOUNT, principal.account_id)
        return f"account:{principal.account_id}"

    async def _spend(self, exchange: Exchange, limit: Limit, who: str) -> None:
        exchange.rate_limit = []  # an error has headers of its own
        exchange.rate_limit = await self._limiter.spend(self._policies[limit], who)

    def _body_limit(self, path: str) -> int:
        return min(body_limit(path), self._settings.max_body_bytes)

    def _note(self, exchange: Exchange, scope: Scope, public: bool, elapsed: float) -> None:
        if not exchange.own:
            http_seconds.observe(NAME, exchange.method, exchange.route, exchange.status, elapsed)
        if public:
            self._record_call(exchange, scope["path"], exchange.status)
        if public and self._access_log is not None:
            self._access_log(
                "request",
                request_id=exchange.request_id.decode(),
                method=exchange.method,
                path=loggable_path(scope["path"]),
                status=exchange.status,
                ms=round(elapsed * 1000, 2),
                client=exchange.client,
                account=exchange.account,
            )

    def _record_call(self, exchange: Exchange, path: str, status: int) -> None:
        """Add a call to the audit log, if it belongs there."""
        if is_audited(exchange.method, path):
            self._call_log.note(
                request_id=exchange.request_id.decode(),
                method=exchange.method,
                route=exchange.route,
                path=loggable_path(path),
                status=status,
                account_id=exchange.account,
                session_id=exchange.session,
                client=exchange.client,
                read=exchange.read,
            )
