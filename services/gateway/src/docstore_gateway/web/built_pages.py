"""Serves the built web page: `web/dist`, a single page with hashed assets and compressed copies of each file."""

import mimetypes
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from docstore_platform.errors import not_found
from docstore_platform.http.client_origins import origins_or_public
from docstore_platform.settings import InfraSettings

INDEX = "index.html"
ASSETS = "assets/"
"""Vite puts a hash of the contents into these names."""
FRAMES = "frames/"
"""Documents that render a file of the user's in a sandboxed frame."""
LINK_FRAME = f"{FRAMES}link.html"
"""Fetches a document of a public link, and shows it in such a frame: the link's page has no scripts."""
FRAME_SCRIPTS = f"{ASSETS}{FRAMES}"
NONCE = "%NONCE%"
IMMUTABLE = "public, max-age=31536000, immutable"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
ABSENT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>DocStore</title></head><body>
<h1>DocStore</h1>
<p>The web page has not been built. Run <code>make web</code>.</p>
<p>The API works: <a href="/docs">read its documentation</a>, or <a href="/readyz">check its state</a>.</p>
</body></html>
"""


def content_policy(infra: InfraSettings, asset_url: str = "") -> str:
    """Content policy of the page: itself, and file contents from the object store or the CDN. No foreign scripts."""
    s3 = store_origin(infra)
    stored = _sources(s3, infra.cdn_url, replica_origin(infra))
    previews = store_origin(infra, infra.processed_bucket)
    pictures = _sources("'self'", "blob:", s3, previews, *stored.split(), asset_url)
    own = _sources("'self'", asset_url)
    return (
        f"default-src 'none'; script-src {own}; style-src {own}; font-src {own}; img-src {pictures}; "
        f"connect-src 'self' {stored}; media-src 'self' blob: {stored}; frame-src 'self' blob: {stored}; "
        f"form-action 'self' {s3}; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def frame_policy(nonce: str) -> str:
    """Content policy of a frame for untrusted files: one script, no connection at all, and an opaque origin."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src blob: data:; "
        "font-src blob: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-scripts"
    )


def link_frame_policy(nonce: str, infra: InfraSettings) -> str:
    """Content policy of the frame on the page of a public link: one script, which fetches contents and frames them."""
    stored = _sources(store_origin(infra), infra.cdn_url, replica_origin(infra))
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self' {stored}; "
        "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )


def _sources(*origins: str) -> str:
    """The sources of a directive, each once."""
    return " ".join(dict.fromkeys(filter(None, origins)))


def store_origin(infra: InfraSettings, bucket: str = "") -> str:
    """Return the browser's URL of a bucket; without a name: the content bucket."""
    parts = urlsplit(origins_or_public(infra).store)
    host = parts.netloc if infra.s3_path_style else f"{bucket or infra.bucket}.{parts.netloc}"
    return f"{parts.scheme}://{host}"


def replica_origin(infra: InfraSettings) -> str:
    """Return the browser's URL of the replica of the content bucket; empty without one."""
    parts = urlsplit(infra.public_s3_replica)
    host = parts.netloc if infra.s3_path_style else f"{infra.s3_replica_bucket}.{parts.netloc}"
    return f"{parts.scheme}://{host}" if parts.netloc else ""


def web_router(folder: Path | None, infra: InfraSettings, asset_url: str = "") -> APIRouter:
    """Return the page for every path without another route; include it last. It loads its assets from `asset_url`."""
    router = APIRouter()
    pages = BuiltPages(folder)
    asset_headers = {"Cache-Control": IMMUTABLE}
    if asset_url:  # the page is another site than its assets then, and modules need permission
        asset_headers |= {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    # Frames for files have an opaque origin, which is never the same site.
    frame_script_headers = asset_headers | {"Cross-Origin-Resource-Policy": "cross-origin"}
    page_headers = {
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }

    @router.api_route("/{path:path}", methods=["GET", "HEAD"])
    def page(path: str, request: Request) -> Response:
        built = pages.files()
        found = built.get(path)
        if found is not None and path.startswith(FRAMES) and found.suffix == ".html":
            nonce = secrets.token_urlsafe()
            policy = link_frame_policy(nonce, infra) if path == LINK_FRAME else frame_policy(nonce)
            return _frame(_text(found, asset_url).replace(NONCE, nonce), policy)
        if found is not None and path.startswith(FRAME_SCRIPTS):
            return _compressed(request, built, path, found, frame_script_headers)
        if found is not None and path != INDEX:
            headers = asset_headers if path.startswith(ASSETS) else {"Cache-Control": "no-cache"}
            return _compressed(request, built, path, found, headers)
        if path.startswith((ASSETS, "/")):
            raise not_found("page")
        if path and "text/html" not in request.headers.get("accept", ""):
            raise not_found("page")  # for programs; browsers get the page, which has routes of its own
        headers = {"Content-Security-Policy": content_policy(infra, asset_url), **page_headers}
        if INDEX not in built:
            return HTMLResponse(ABSENT, headers=headers)
        if asset_url:
            return HTMLResponse(_text(built[INDEX], asset_url), headers=headers)
        return _compressed(request, built, INDEX, built[INDEX], headers)

    return router


class BuiltPages:
    """Built files by path; listed again after a new build."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._built_at = 0.0
        self._files: dict[str, Path] = {}

    def files(self) -> dict[str, Path]:
        if self._folder is None:
            return {}
        try:
            built_at = (self._folder / INDEX).stat().st_mtime
        except OSError:
            return {}
        if built_at != self._built_at:
            found = [path for path in self._folder.rglob("*") if path.is_file()]
            self._files = {path.relative_to(self._folder).as_posix(): path for path in found}
            self._built_at = built_at
        return self._files


def _text(path: Path, asset_url: str) -> str:
    """A page that loads its assets from `asset_url`."""
    return path.read_text("utf-8").replace(f'="/{ASSETS}', f'="{asset_url}/{ASSETS}')


def _frame(html: str, policy: str) -> Response:
    """A frame, in which only the script that is written there runs."""
    headers = {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "SAMEORIGIN",
        "Permissions-Policy": PERMISSIONS,
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, headers=headers)


def _compressed(request: Request, built: dict[str, Path], name: str, path: Path, headers: dict[str, str]) -> Response:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    accepted = request.headers.get("accept-encoding", "")
    for encoding, suffix in ENCODINGS:
        if encoding in accepted and name + suffix in built:
            headers = {**headers, "Content-Encoding": encoding, "Vary": "Accept-Encoding"}
            return Response(built[name + suffix].read_bytes(), headers=headers, media_type=kind)
    return Response(path.read_bytes(), headers=headers, media_type=kind)
