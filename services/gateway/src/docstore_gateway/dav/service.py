"""Answers WebDAV requests (RFC 4918, classes 1, 2 and 3)."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from starlette.types import Receive, Scope, Send

from docstore_gateway.dav import locking, owncloud, writing
from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.headers import MOUNTS, Target, is_below_mount
from docstore_gateway.dav.protocol.multistatus import XML_HEADERS, error_document
from docstore_gateway.dav.protocol.request import DavRequest, Doors, request_target
from docstore_gateway.dav.reading import contents, listings
from docstore_gateway.dav.uploads import chunk_folders
from docstore_gateway.dav.uploads.chunk_folders import is_below_mount as is_chunk_folder
from docstore_gateway.dav.uploads.chunk_folders import place_of
from docstore_gateway.dav.uploads.small_files import SmallFiles
from docstore_gateway.proxy.service import Forwarder
from docstore_gateway.responses import HeaderList, send_response
from docstore_platform.errors import DomainError, Invalid, Locked
from docstore_platform.http.problems import Problem, problem_of
from docstore_platform.security.tokens import Principal, check_scope
from docstore_platform.services import ServiceName

Handler = Callable[[DavRequest], Awaitable[None]]

READS: Mapping[str, Handler] = {"GET": contents.get, "HEAD": contents.get, "PROPFIND": listings.propfind}
CHANGES: Mapping[str, Handler] = {
    "MKCOL": writing.mkcol,
    "DELETE": writing.delete,
    "COPY": writing.copy,
    "MOVE": writing.move,
    "PROPPATCH": locking.proppatch,
    "LOCK": locking.lock,
    "UNLOCK": locking.unlock,
}
CHANGING = frozenset((*CHANGES, "PUT"))
READ_OPERATION, CHANGE_OPERATION = "GET /v1/files", "PATCH /v1/files/{file_id}"
"""Operations of the API whose scopes an API token needs here."""
ALLOWED = ", ".join(("OPTIONS", *READS, "PUT", *CHANGES))
OPTIONS_HEADERS: HeaderList = [
    (b"dav", b"1, 2, 3"),
    (b"allow", ALLOWED.encode()),
    (b"ms-author-via", b"DAV"),
    (b"accept-ranges", b"bytes"),
]


class WebDav:
    """WebDAV for all accounts: a client of the public API for each request."""

    def __init__(self, doors: Doors, forwarders: Mapping[ServiceName, Forwarder]) -> None:
        self._doors = doors
        self._forwarders = forwarders
        put = partial(writing.put, SmallFiles(doors.urls))
        self._handlers: Mapping[str, Handler] = {**READS, **CHANGES, "PUT": put}

    async def serve_open(self, scope: Scope, send: Send) -> None:
        """Answer what programs ask before they log in."""
        if scope["method"] == "OPTIONS":
            await self._options(send)
        else:
            await owncloud.send_open(scope, send)

    async def _options(self, send: Send) -> None:
        """Describe the supported methods of WebDAV."""
        await send_response(send, 200, [*OPTIONS_HEADERS, (b"content-length", b"0")], b"")

    async def serve(
        self,
        principal: Principal,
        user_name: str,
        headers: Mapping[bytes, bytes],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> tuple[str, ...]:
        """Answer a request of `principal`, whose access token `scope` has; return the files that were read.

        `user_name`: what the client logged in with, which may stand for the account in a URL.
        """
        method, api = scope["method"], Api(self._forwarders, scope)
        if owncloud.is_user(scope["path"]):
            await owncloud.send_user(scope["path"], scope["query_string"], api, send)
            return ()
        handler = self._handlers.get(method)
        if handler is None:
            raise Problem(405, "method_not_allowed", "WebDAV has no such method.", headers={"Allow": ALLOWED})
        if principal.scopes is not None:
            check_scope(principal.scopes, CHANGE_OPERATION if method in CHANGING else READ_OPERATION)
        names = {principal.account_id, user_name}
        chunks = place_of(scope["raw_path"], names) if is_chunk_folder(scope["path"]) else None
        request = DavRequest(
            method=method,
            headers=headers,
            principal=principal,
            target=Target(MOUNTS[0], "/") if chunks else request_target(scope, names),
            account_names=names,
            api=api,
            doors=self._doors,
            scope=scope,
            receive=receive,
            send=send,
        )
        try:
            await request.check_if()
            await (handler(request) if chunks is None else chunk_folders.serve(request, chunks))
        except Invalid as error:  # 422 means something else to clients of WebDAV
            raise Problem(400, error.code, error.detail) from None
        except Locked as error:
            await request.respond(423, XML_HEADERS, error_document("lock-token-submitted", error.detail))
        return request.read


def is_dav(path: str) -> bool:
    """Whether a path of a URL belongs to WebDAV."""
    return is_below_mount(path) or is_chunk_folder(path) or owncloud.is_open(path) or owncloud.is_user(path)


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no login."""
    return method == "OPTIONS" or owncloud.is_open(path)


def is_change(method: str) -> bool:
    return method in CHANGING


def with_basic_challenge(error: DomainError) -> DomainError:
    """A 401 that lets a file manager ask for e-mail address and token."""
    problem = problem_of(error)
    if problem.status == 401:
        problem.headers["WWW-Authenticate"] = 'Basic realm="DocStore", charset="UTF-8"'
    return problem
