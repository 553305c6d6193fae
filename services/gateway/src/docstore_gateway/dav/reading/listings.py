"""PROPFIND."""

from dataclasses import replace
from typing import Any

from docstore_contracts.annotations import Annotations, Lock
from docstore_gateway.dav.protocol.headers import depth_of
from docstore_gateway.dav.protocol.multistatus import END, START, XML_HEADERS, error_document
from docstore_gateway.dav.protocol.request import DavRequest
from docstore_gateway.dav.protocol.request_xml import parse_propfind
from docstore_gateway.dav.protocol.resources import Resource, children, existing
from docstore_gateway.dav.reading.properties import NO_ANNOTATIONS, QUOTA, Listing, Shown

FINITE_DEPTH = "propfind-finite-depth"


async def propfind(request: DavRequest) -> None:
    """Properties of a resource, with Depth 1 also of what is directly in it. An infinite depth is refused."""
    depth = depth_of(request.header(b"depth"), "infinity")
    body = await request.body()
    query = parse_propfind(body)
    if depth == "infinity":
        message = "Ask for one folder at a time, with Depth: 1."
        await request.respond(403, XML_HEADERS, error_document(FINITE_DEPTH, message))
        return
    if depth == "0" and not body.strip():  # so the npm package webdav asks for the quota
        query = replace(query, names=tuple(QUOTA))
    resource = await existing(request.api, request.target)
    listing, account_id = Listing(query), request.principal.account_id
    is_listed = depth == "1" and resource.is_folder
    metadata = request.doors.metadata
    noted: dict[str, Annotations] = {}
    if listing.needs_annotations and not resource.is_shares_folder:
        noted = await metadata.annotations_of(account_id, [resource.id], resource.id if is_listed else None)
    revision = ""
    if listing.needs_revision:
        revision = (await metadata.journal_heads([account_id])).get(account_id, "")
    usage: Any = (await request.api.get("accounts", "/v1/me"))["usage"] if listing.needs_quota else None

    def shown(each: Resource, above: list[Lock]) -> Shown:
        annotations = noted.get(each.id, NO_ANNOTATIONS)
        if usage is None or not each.is_own:  # how much others have left is theirs to know
            free = used = None
        else:
            free, used = max(0, usage["limit"] - usage["used"] - usage["reserved"]), usage["used"]
        return Shown(each, annotations, [*above, *annotations["locks"]], free, used, revision)

    start = {"type": "http.response.start", "status": 207, "headers": XML_HEADERS}
    first = START + listing.render(shown(resource, []))
    deep = [lock for lock in noted.get(resource.id, NO_ANNOTATIONS)["locks"] if lock["deep"]]
    if is_listed:
        async for page in children(request.api, resource):
            text = first + "".join([listing.render(shown(each, deep)) for each in page])
            if first:
                await request.send(start)
            await request.send({"type": "http.response.body", "body": text.encode(), "more_body": True})
            first = ""
        await request.send({"type": "http.response.body", "body": END.encode(), "more_body": False})
    else:
        await request.respond(207, XML_HEADERS, (first + END).encode())
