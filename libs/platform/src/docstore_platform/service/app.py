"""Base of every service's app: errors, metrics, traces, health, and the caller's identity."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext
from importlib.resources import files
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import Response
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docstore_contracts.accounts import AccountsClient
from docstore_contracts.operations import Readiness
from docstore_platform.http.body_limits import BodyLimit
from docstore_platform.http.client_origins import ClientOriginsReader
from docstore_platform.http.parameters import refuse_unknown_parameters
from docstore_platform.http.problems import install_problem_handlers
from docstore_platform.http.response_models import described
from docstore_platform.http.routes import INTERNAL_PREFIX
from docstore_platform.http.server.operators import is_from_operators, operators_only
from docstore_platform.http.server.startup import Startup, UntilStarted
from docstore_platform.security.service_identity import CallerVerifier, callers, internal_routes
from docstore_platform.security.tokens import FetchKeys, TokenVerifier
from docstore_platform.service.client import ServiceClient
from docstore_platform.services import GATEWAY, ServiceName
from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.metrics import build_info, exposition, http_seconds
from docstore_platform.telemetry.request_metrics import UNMATCHED
from docstore_platform.telemetry.tracing import VERSION, http_request, http_served, is_tracing, span

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]
"""A readiness check: raises if the component does not work."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
OPENAPI_FILE = "internal-openapi.json"
"""File in the package of each service, written by `make generate`."""
UNAVAILABLE = "unavailable"


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON without a model, for frequent responses."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


class Telemetry:
    """ASGI middleware: a server span, request metrics, and the service's name in its logs."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        token = structlog.contextvars.bind_contextvars(service=self.service)
        try:
            with self._span(scope) as current:
                try:
                    await self.app(scope, receive, send_and_note)
                finally:
                    if current is not None:
                        http_served(current, scope["method"], _route(scope), status)
        finally:
            structlog.contextvars.reset_contextvars(**token)
            elapsed = time.perf_counter() - started
            http_seconds.observe(self.service, scope["method"], _route(scope) or UNMATCHED, status, elapsed)

    def _span(self, scope: Scope) -> AbstractContextManager[Span | None]:
        """A server span; none of its own if a caller in this process has an unrecorded trace."""
        outer = trace.get_current_span()
        within = outer.get_span_context().is_valid
        if within and not outer.is_recording():
            return nullcontext()
        traceparent = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"), None)
        return span(
            f"{scope['method']} {self.service}",
            service=self.service,
            kind=SpanKind.SERVER,
            traceparent=None if within else traceparent,
            attributes=http_request(scope) if is_tracing() else None,
        )


def _route(scope: Scope) -> str | None:
    """Return the template of the matched route."""
    return getattr(scope.get("route"), "path", None)


async def readiness(checks: Mapping[str, Check], partial_checks: Mapping[str, Check]) -> tuple[str, dict[str, str]]:
    """Return `ok`, `degraded` or `unavailable`, and the error of each failing check by name."""
    failed, partly = await _failures(checks), await _failures(partial_checks)
    return UNAVAILABLE if failed else "degraded" if partly else "ok", failed | partly


async def _failures(checks: Mapping[str, Check]) -> dict[str, str]:
    failed: dict[str, str] = {}
    for name, check in checks.items():
        try:
            await check()
        except Exception as error:  # noqa: BLE001 - whatever failed is reported
            failed[name] = f"{type(error).__name__}: {error}"
    return failed


def health_router(checks: Mapping[str, Check], partial_checks: Mapping[str, Check] | None = None) -> APIRouter:
    """`/healthz`: the process responds. `/readyz`: every required component works. `/metrics`: Prometheus text.

    If only `partial_checks` fail, the service is ready and `degraded`: it answers requests, and background work waits.
    Metrics and failing components are served at the operators' port only.
    """
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        status, failed = await readiness(checks, partial_checks or {})
        body = {"status": status, "failed": failed} if is_from_operators(request.scope) else {"status": status}
        return json_response(body, 503 if status == UNAVAILABLE else 200)

    @router.get("/metrics", dependencies=[Depends(operators_only)])
    async def metrics() -> Response:
        text, content_type = exposition()
        return Response(text, media_type=content_type)

    return router


def readiness_router(name: ServiceName, checks: Mapping[str, Check], partial_checks: Mapping[str, Check]) -> APIRouter:
    """Routes for the gateway: readiness of each component, for operators, and the internal API's document."""
    router = APIRouter(prefix=INTERNAL_PREFIX, tags=["operations"])

    @router.get("/readiness", dependencies=[callers("gateway")], response_model=described(Readiness))
    async def get_readiness() -> Response:
        """Get whether the service is ready, and the error of each failing component."""
        status, failed = await readiness(checks, partial_checks)
        return json_response(Readiness(ready=status != UNAVAILABLE, failed=failed))

    @router.get("/openapi.json", dependencies=[callers("gateway")], response_model=described(dict[str, Any]))
    async def get_openapi() -> Response:
        """Get this document."""
        text = files(f"docstore_{name}").joinpath(OPENAPI_FILE).read_bytes()
        return Response(text, media_type="application/json")

    return router


def service_app(
    name: ServiceName,
    infra: InfraSettings,
    *,
    lifespan: Lifespan,
    public: Sequence[APIRouter] = (),
    internal: Sequence[APIRouter] = (),
    needs: Mapping[str, Check] | None = None,
    checks: Mapping[str, Check],
    partial_checks: Mapping[str, Check] | None = None,
    fetch_keys: FetchKeys | None = None,
) -> FastAPI:
    """Create a service: `public` routers check the caller's token, each route of `internal` ones declares its callers.

    Routes are matched in this order. `lifespan` begins when all `needs` are available; until then the process serves,
    but is not ready. `fetch_keys` returns the keys of access tokens, by default those that accounts publishes.
    """

    startup = Startup(name, needs or {})

    @asynccontextmanager
    async def with_accounts(app: FastAPI) -> AsyncIterator[None]:
        accounts = ServiceClient("accounts", infra, name)

        app.state.verifier = TokenVerifier(fetch_keys or AccountsClient(accounts).keys, infra.issuer)
        try:
            async with startup.running(lifespan(app)):
                yield
        finally:
            await accounts.close()

    app = FastAPI(
        title=f"DocStore {name}",
        lifespan=with_accounts,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # Telemetry does this at half the cost
    )
    app.state.infra = infra
    build_info.labels(name, VERSION).set(1)
    app.state.internal_routes = []
    app.state.caller_verifier = CallerVerifier.of(name, infra)
    app.add_middleware(UntilStarted, startup=startup)
    app.add_middleware(BodyLimit)
    if name != GATEWAY:  # which determines them
        app.add_middleware(ClientOriginsReader)
    app.add_middleware(Telemetry, service=name)  # outermost: it counts refused requests too
    install_problem_handlers(app)
    internal = (*internal, readiness_router(name, checks, partial_checks or {}))
    for router in internal:
        app.state.internal_routes += internal_routes(router)
    for router in (*public, *internal, health_router(checks, partial_checks)):
        app.router.routes.extend(router.routes)
    refuse_unknown_parameters(app.router.routes)
    return app
