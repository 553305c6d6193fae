"""What ownCloud's and Nextcloud's clients ask before they use WebDAV: what the server is, and whose account it is."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Scope, Send

from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.multistatus import text
from docstore_gateway.responses import send_response

VERSION = {"major": 10, "minor": 11, "micro": 0, "string": "10.11.0"}
"""Of the protocol: clients refuse versions that they consider too old."""
STATUS = {
    "installed": True,
    "maintenance": False,
    "needsDbUpgrade": False,
    "version": "10.11.0.0",
    "versionstring": "10.11.0",
    "edition": "Community",
    "productname": "DocStore",
}
CAPABILITIES: dict[str, Any] = {
    "version": VERSION,
    "capabilities": {
        "core": {"pollinterval": 60, "webdav-root": "remote.php/webdav", "status": STATUS},
        "dav": {"propfind": {"depth_infinity": False}},
        "checksums": {"supportedTypes": ["SHA256", "SHA1", "MD5", "ADLER32"], "preferredUploadType": "SHA256"},
        "files": {"bigfilechunking": True, "versioning": True, "undelete": True},
        "files_sharing": {"api_enabled": False},
    },
}
WITH_CHUNK_FOLDERS = {
    **CAPABILITIES,
    "capabilities": {**CAPABILITIES["capabilities"], "dav": {**CAPABILITIES["capabilities"]["dav"], "chunking": "1.0"}},
}
FIRST_DESKTOP = (3, 11)
_DESKTOP = re.compile(rb"mirall/(\d{1,4})\.(\d{1,4})")
_STATUS_PATH = "/status.php"
_USER_PATHS = ("/ocs/v1.php/cloud/user", "/ocs/v2.php/cloud/user")
_OPEN = (_STATUS_PATH, "/ocs/v1.php/cloud/capabilities", "/ocs/v2.php/cloud/capabilities")


def is_open(path: str) -> bool:
    """Whether a path is answered without a login."""
    return path in _OPEN


def is_user(path: str) -> bool:
    return path in _USER_PATHS


async def send_open(scope: Scope, send: Send) -> None:
    if scope["path"] == _STATUS_PATH:
        await _send(send, b"application/json", orjson.dumps(STATUS))
    else:
        program = dict(scope["headers"]).get(b"user-agent", b"")
        capabilities = WITH_CHUNK_FOLDERS if _sends_chunk_folders(program) else CAPABILITIES
        await _send_ocs(scope["path"], scope["query_string"], capabilities, send)


def _sends_chunk_folders(program: bytes) -> bool:
    """Whether it is a client of Nextcloud that names chunks by number, and their destination from the beginning.

    ownCloud's and earlier ones name them otherwise, in folders; not told of these, they name chunks after the file.
    """
    desktop = _DESKTOP.search(program)
    is_recent = desktop is None or (int(desktop[1]), int(desktop[2])) >= FIRST_DESKTOP
    return is_recent and b"nextcloud" in program.lower()


async def send_user(path: str, query: bytes, api: Api, send: Send) -> None:
    """The account that a client has logged in to."""
    me = await api.get("accounts", "/v1/me")
    user = {"id": me["id"], "display-name": me["display_name"] or me["email"], "email": me["email"]}
    await _send_ocs(path, query, user, send)


async def _send_ocs(path: str, query: bytes, data: Any, send: Send) -> None:
    code = 100 if path.startswith("/ocs/v1") else 200
    body = {"ocs": {"meta": {"status": "ok", "statuscode": code, "message": "OK"}, "data": data}}
    if dict(parse_qsl(query.decode("latin-1"))).get("format") == "json":
        await _send(send, b"application/json; charset=utf-8", orjson.dumps(body))
    else:
        await _send(send, b"text/xml; charset=utf-8", f'<?xml version="1.0"?>\n{_xml(body)}\n'.encode())


async def _send(send: Send, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send_response(send, 200, [*headers, (b"cache-control", b"no-store")], body)


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(each)}</{name}>" for name, each in value.items())
    if isinstance(value, list):
        return "".join(f"<element>{_xml(each)}</element>" for each in value)
    return text(str(int(value)) if isinstance(value, bool) else str(value))
