"""One WebDAV request, and what its steps share."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.types import Receive, Scope, Send

from docstore_contracts.annotations import Lock
from docstore_contracts.metadata import MetadataClient
from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.conditions import IfHeader, etag_matches, parse_if
from docstore_gateway.dav.protocol.headers import Target, destination_of, target_of
from docstore_gateway.dav.protocol.request_xml import MAX_BODY_BYTES
from docstore_gateway.dav.protocol.resources import Resource, find
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_gateway.responses import CapturedResponse, HeaderList, send_response
from docstore_platform.errors import DomainError, PreconditionFailed
from docstore_platform.http.body_limits import read_body
from docstore_platform.security.tokens import Principal


class Once(Protocol):
    async def __call__(
        self, caller: str, key: str, body: bytes, make: Callable[[Send], Awaitable[None]]
    ) -> CapturedResponse:
        """Return the response of `make`, or of the earlier call with this key; 409 `idempotency_in_progress`."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What WebDAV needs from the gateway."""

    metadata: MetadataClient
    urls: ObjectUrls
    hosts: Collection[str]
    """Names that this gateway has, besides the one in the request."""
    once: Once
    """Initiates an upload of a caller once for each key, whichever gateways its requests reach."""


@dataclass(slots=True)
class DavRequest:
    """A request of a logged-in client."""

    method: str
    headers: Mapping[bytes, bytes]
    principal: Principal
    target: Target
    account_names: Collection[str]
    api: Api
    doors: Doors
    scope: Scope
    receive: Receive
    send: Send
    if_header: IfHeader = field(default_factory=IfHeader)
    read: tuple[str, ...] = ()
    """Files whose bytes were sent."""

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("utf-8", "replace")

    @property
    def hosts(self) -> set[str]:
        return {*self.doors.hosts, (self.header(b"host") or "").lower()}

    @property
    def destination(self) -> Target:
        return destination_of(self.header(b"destination"), self.hosts, self.account_names)

    @property
    def names_folder(self) -> bool:
        """Whether the URL ends with a slash."""
        return bool(self.scope["raw_path"].endswith(b"/"))

    async def body(self) -> bytes:
        """The body of a request that has XML; 413 above MAX_BODY_BYTES."""
        return await read_body(self.receive, MAX_BODY_BYTES)

    async def respond(self, status: int, headers: HeaderList | None = None, body: bytes = b"") -> None:
        length = (b"content-length", str(len(body)).encode())
        plain = status in (204, 304)
        await send_response(self.send, status, [*(headers or []), *([] if plain else [length])], body)

    # --- conditions ------------------------------------------------------------------------------------------

    async def check_if(self) -> None:
        """Read the If header and submit its lock tokens; PreconditionFailed unless it holds."""
        self.if_header = parse_if(self.header(b"if"))
        self.api.lock_tokens = self.if_header.tokens
        states: dict[str | None, tuple[str | None, set[str]]] = {}
        for each in self.if_header.lists:
            if each.url not in states:
                states[each.url] = await self._state(each.url)
            if each.holds(*states[each.url]):
                return
        if self.if_header.lists:
            raise PreconditionFailed("The If header names a lock or a state that is not current.")

    async def _state(self, url: str | None) -> tuple[str | None, set[str]]:
        """The ETag of a resource, None if there is none, and the tokens of the locks that cover it."""
        try:
            target = self.target if url is None else self._target_at(url)
        except DomainError:  # whatever it names, it is nothing here
            return None, set()
        resource = await find(self.api, target)
        if resource is not None:
            return resource.etag, {lock["token"] for lock in await self.locks_on(resource)}
        parent = await find(self.api, Target(target.mount, target.parent))
        above = [] if parent is None else await self.locks_on(parent)
        return None, {lock["token"] for lock in above if lock["deep"]}

    def _target_at(self, url: str) -> Target:
        return destination_of(url, self.hosts, self.account_names)

    async def locks_on(self, resource: Resource) -> list[Lock]:
        """All locks that cover a resource."""
        found = await self.doors.metadata.annotations_of(self.principal.account_id, [resource.id])
        return found[resource.id]["locks"] if resource.id in found else []

    def check_etag(self, resource: Resource | None) -> None:
        """PreconditionFailed unless If-Match and If-None-Match of a change allow it."""
        etag = None if resource is None else resource.etag
        if b"if-match" in self.headers and not etag_matches(self.header(b"if-match"), etag):
            raise PreconditionFailed("It is not in the state that If-Match names.")
        if etag_matches(self.header(b"if-none-match"), etag, weakly=True):
            raise PreconditionFailed("There is already something in the state that If-None-Match names.")


def request_target(scope: Scope, account_names: Collection[str]) -> Target:
    return target_of(scope["raw_path"], account_names)
