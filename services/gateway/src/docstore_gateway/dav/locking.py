"""LOCK, UNLOCK and PROPPATCH."""

from datetime import UTC, datetime

from docstore_contracts import annotations as contract
from docstore_contracts.annotations import MAX_LOCK_SECONDS, MAX_OWNER_CHARS, MAX_PROPERTY_CHARS, Lock, PropertyChange
from docstore_gateway.dav.protocol.headers import bad_request, depth_of, timeout_of
from docstore_gateway.dav.protocol.multistatus import XML_HEADERS, document, empty_element, propstat, response
from docstore_gateway.dav.protocol.request import DavRequest
from docstore_gateway.dav.protocol.request_xml import LockRequest, parse_lock, parse_proppatch
from docstore_gateway.dav.protocol.resources import Resource, existing, find, parent_of
from docstore_gateway.dav.reading.properties import active_lock, is_protected
from docstore_gateway.dav.uploads.body import Body
from docstore_gateway.dav.uploads.uploading import Uploader
from docstore_platform.errors import TooLarge
from docstore_platform.http.problems import Problem
from docstore_platform.ids import new_id

DEFAULT_SECONDS = 600


async def lock(request: DavRequest) -> None:
    """Take a lock, or with an empty body renew one. An unused name gets an empty file first."""
    depth = depth_of(request.header(b"depth"), "infinity", ("0", "infinity"))
    wanted = parse_lock(await request.body())
    timeout = request.header(b"timeout")
    seconds = DEFAULT_SECONDS if timeout is None else timeout_of(timeout, MAX_LOCK_SECONDS)
    if wanted is None:
        await _refresh(request, seconds)
        return
    if len(wanted.owner) > MAX_OWNER_CHARS:
        raise TooLarge(f"The owner of a lock has at most {MAX_OWNER_CHARS} characters.")
    resource = await find(request.api, request.target)
    request.check_etag(resource)
    if resource is not None:
        resource.refuse_change()
    created = resource is None
    if resource is None:
        resource = await _empty_file(request)
    taken = await request.doors.metadata.take_lock(
        _request(request, resource, wanted, seconds, deep=depth == "infinity")
    )
    await _respond(request, resource, taken, 201 if created else 200, is_new=True)


def _request(
    request: DavRequest, resource: Resource, wanted: LockRequest, seconds: int, *, deep: bool
) -> contract.LockRequest:
    return {
        "account_id": request.principal.account_id,
        "file_id": resource.id,
        "token": f"urn:uuid:{new_id()}",
        "owner": wanted.owner,
        "exclusive": wanted.exclusive,
        "deep": deep,
        "seconds": seconds,
    }


async def _empty_file(request: DavRequest) -> Resource:
    parent = await parent_of(request.api, request.target)
    target = {"parent_id": parent.id, "path": f"/{request.target.name}", "base_version": 0}
    target |= {"on_conflict": "fail", "notify": False}
    uploader = Uploader(request.api, request.doors.urls)
    return Resource(request.target, await uploader.upload(target, Body(request.receive), 0))


async def _refresh(request: DavRequest, seconds: int) -> None:
    resource = await existing(request.api, request.target)
    tokens = request.if_header.tokens
    if not tokens:
        raise bad_request("Name the lock to renew in an If header.", "no_lock_token")
    account_id = request.principal.account_id
    renewed = await request.doors.metadata.renew_lock(account_id, resource.id, tokens, seconds)
    await _respond(request, resource, renewed, 200, is_new=False)


async def _respond(request: DavRequest, resource: Resource, taken: Lock, status: int, *, is_new: bool) -> None:
    active = active_lock(taken, resource.root, datetime.now(UTC))
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<d:prop xmlns:d="DAV:"><d:lockdiscovery>{active}</d:lockdiscovery></d:prop>\n'
    ).encode()
    token = [(b"lock-token", f"<{taken['token']}>".encode())] if is_new else []
    await request.respond(status, [*XML_HEADERS, *token], body)


async def unlock(request: DavRequest) -> None:
    """Release a lock."""
    # Some clients (the npm package webdav) leave out the brackets.
    token = (request.header(b"lock-token") or "").strip().removeprefix("<").removesuffix(">")
    if not token:
        raise bad_request("Name the lock to release in a Lock-Token header.", "no_lock_token")
    resource = await existing(request.api, request.target)
    if token not in {each["token"] for each in await request.locks_on(resource)}:
        raise Problem(409, "no_such_lock", "It has no lock with this token.")
    await request.doors.metadata.release_lock(request.principal.account_id, resource.id, token)
    await request.respond(204)


async def proppatch(request: DavRequest) -> None:
    """Set and remove properties: all of them, or none."""
    changes = parse_proppatch(await request.body())
    resource = await existing(request.api, request.target)
    resource.refuse_change()
    request.check_etag(resource)
    protected = [each.name for each in changes if is_protected(each.name)]
    oversized = [each.name for each in changes if each.xml is not None and len(each.xml) > MAX_PROPERTY_CHARS]
    names = list(dict.fromkeys(each.name for each in changes))
    refused = dict.fromkeys(protected or oversized)
    if not refused:
        asked: list[PropertyChange] = [{"name": each.name, "xml": each.xml} for each in changes]
        account_id, tokens = request.principal.account_id, request.api.lock_tokens
        await request.doors.metadata.set_properties(account_id, resource.id, asked, tokens)
        propstats = [propstat(200, "".join(map(empty_element, names)))]
    else:
        status, error = (403, "<d:cannot-modify-protected-property/>") if protected else (507, "")
        propstats = [propstat(status, "".join(map(empty_element, refused)), error)]
        others = [name for name in names if name not in refused]
        if others:
            propstats.append(propstat(424, "".join(map(empty_element, others))))
    await request.respond(207, XML_HEADERS, document([response(resource.href, propstats)]))
