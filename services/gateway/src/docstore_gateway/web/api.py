"""HTTP routes of the API's documentation and of security.txt."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from docstore_contracts.operations import OperationsClient
from docstore_gateway.settings import GatewaySettings
from docstore_platform.clock import Clock, rfc3339, utc_now
from docstore_platform.errors import not_found
from docstore_platform.http.server.operators import operators_only
from docstore_platform.service.app import json_response

OPENAPI_FILE = "openapi.json"
UI_PACKAGE = "fastapi_offline"
UI_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}
SECURITY_TXT_VALID = timedelta(days=180)
CACHE_A_DAY = "public, max-age=86400"


def pages_router(settings: GatewaySettings, now: Clock = utc_now) -> APIRouter:
    """Return the routes of the API's documentation; its pages load nothing from other sites."""
    router = APIRouter()

    @router.get("/.well-known/security.txt")
    async def security_txt() -> Response:
        """Get the contact for vulnerability reports (RFC 9116)."""
        if not settings.security_contact:
            raise not_found("page")
        lines = [
            f"Contact: {settings.security_contact}",
            f"Expires: {rfc3339(now() + SECURITY_TXT_VALID)}",
            f"Canonical: {settings.infra.public_url.rstrip('/')}/.well-known/security.txt",
            "Preferred-Languages: en",
        ]
        return Response("\n".join(lines) + "\n", media_type="text/plain; charset=utf-8")

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(_page("docs.html"), headers=PAGE_HEADERS)

    @router.get("/docs/start.js")
    async def start() -> Response:
        return Response(_page("docs.js"), media_type="text/javascript")

    router.add_api_route("/docs/assets/{name}", _asset)

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        text, etag = _openapi()
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(text, media_type="application/json", headers={"ETag": etag, "Cache-Control": "no-cache"})

    return router


def internal_docs_router(services: Mapping[str, OperationsClient]) -> APIRouter:
    """Return a page with the internal APIs of all services, for the operators' port only."""
    router = APIRouter(prefix="/internal/docs", dependencies=[Depends(operators_only)], include_in_schema=False)
    router.add_api_route("/assets/{name}", _asset)

    @router.get("")
    async def docs() -> HTMLResponse:
        return HTMLResponse(_page("docs.html").replace("/docs/", "/internal/docs/"), headers=PAGE_HEADERS)

    @router.get("/start.js")
    async def start() -> Response:
        script = _page("internal_docs.js").replace("SERVICES", orjson.dumps(sorted(services)).decode())
        return Response(script, media_type="text/javascript")

    @router.get("/{name}.json")
    async def document(name: str) -> Response:
        if name not in services:
            raise not_found("page")
        return json_response(await services[name].openapi())

    return router


async def _asset(name: str) -> Response:
    if name not in UI_FILES:
        raise not_found("page")
    content = files(UI_PACKAGE).joinpath("static", name).read_bytes()
    return Response(content, media_type=UI_FILES[name], headers={"Cache-Control": CACHE_A_DAY})


def _page(name: str) -> str:
    return files("docstore_gateway.web").joinpath("pages", name).read_text("utf-8")


@lru_cache(maxsize=1)
def _openapi() -> tuple[bytes, str]:
    text = files("docstore_gateway").joinpath(OPENAPI_FILE).read_bytes()
    return text, f'"{hashlib.sha256(text).hexdigest()[:16]}"'
