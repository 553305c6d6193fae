"""Files in folders of chunks, as Nextcloud's clients send large ones (chunked upload, version 2).

MKCOL makes the folder `uploads/ACCOUNT/TRANSFER`, each PUT stores the chunk 1 to 10,000 there, and the MOVE of `.file`
makes the file. A chunk is a part of a multipart upload, of any length. The upload belongs to the client's transfer,
whichever gateway each request reaches.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import orjson
from starlette.types import Send

from docstore_gateway.dav.protocol.headers import Target, bad_request, decoded_segments
from docstore_gateway.dav.protocol.multistatus import XML_HEADERS, document, element, empty_element, propstat, response
from docstore_gateway.dav.protocol.request import DavRequest
from docstore_gateway.dav.protocol.resources import parent_of
from docstore_gateway.dav.uploads.body import Body
from docstore_gateway.dav.uploads.chunks import complete, declared, respond_stored, started, total_length
from docstore_gateway.dav.uploads.uploading import modified_at_of, placed_in
from docstore_gateway.responses import send_response
from docstore_platform.errors import Conflict, Forbidden, not_found
from docstore_platform.http.problems import Problem

MOUNT = "/remote.php/dav/uploads"
WHOLE = ".file"
MAX_CHUNKS = 10_000
MAX_TRANSFER_CHARS = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of chunks, or what is in it."""

    href: str
    """Of the folder."""
    transfer: str
    name: str
    """Of a chunk, or `.file`; empty for the folder itself."""

    @property
    def number(self) -> int:
        """The chunk's; 400 unless it is one of 1 to 10,000."""
        number = int(self.name) if self.name.isascii() and self.name.isdigit() and len(self.name) <= 20 else 0
        if not 1 <= number <= MAX_CHUNKS:
            raise bad_request(f"A chunk is named by its number, 1 to {MAX_CHUNKS}.", "invalid_parts")
        return number


def is_below_mount(path: str) -> bool:
    return path == MOUNT or path.startswith(f"{MOUNT}/")


def place_of(raw_path: bytes, account_names: Collection[str]) -> Place:
    """The place that a URL's path names; 403 for another account's, 404 for what can't exist."""
    account, *inside = decoded_segments(raw_path)[len(MOUNT.split("/")) - 1 :] or [""]
    if account not in account_names:
        raise Forbidden("These are another account's uploads.", code="other_account")
    if not 1 <= len(inside) <= 2 or len(inside[0]) > MAX_TRANSFER_CHARS:
        raise not_found("upload")
    return Place(f"{MOUNT}/{quote(account)}/{quote(inside[0])}/", inside[0], inside[1] if len(inside) == 2 else "")


async def serve(request: DavRequest, place: Place) -> None:
    """Answer a request to a place."""
    match request.method:
        case "MKCOL" if not place.name:
            await _mkcol(request, place)
        case "PUT" if place.name not in ("", WHOLE):
            await _put(request, place)
        case "MOVE" if place.name == WHOLE:
            await _move(request, place)
        case "PROPFIND" if not place.name:
            await _propfind(request, place)
        case "DELETE" if not place.name:
            upload, _ = await _begun(request, place)
            await request.api.send("upload", "DELETE", f"/v1/uploads/{upload}")
            await request.respond(204)
        case _:
            detail = "A folder of chunks takes MKCOL, PROPFIND and DELETE, a chunk takes PUT, and .file takes MOVE."
            raise Problem(405, "method_not_allowed", detail)


async def _mkcol(request: DavRequest, place: Place) -> None:
    """The upload begins now if its length is known; else with the first chunk."""
    if b"oc-total-length" in request.headers:
        await _begin(request, place)
    await request.respond(201)


async def _put(request: DavRequest, place: Place) -> None:
    length = request.header(b"content-length") or ""
    if not (length.isascii() and length.isdigit() and len(length) < 16):
        raise Problem(411, "length_required", "Send the length of a chunk in Content-Length.")
    upload, size = await _begin(request, place), int(length)
    wanted = {"numbers": [place.number], "sizes": [size]}
    [part] = (await request.api.send("upload", "POST", f"/v1/uploads/{upload}/parts", wanted))["parts"]
    body = Body(request.receive)
    await request.doors.urls.put(part["url"], {}, body.stream(size), size)
    await request.respond(201)


async def _move(request: DavRequest, place: Place) -> None:
    """Make the file of the chunks; only now the client tells its time and checksum."""
    upload, path = await _begun(request, place)
    target = request.destination
    _require_same(path, target)
    about = {"client_modified_at": modified_at_of(request.header(b"x-oc-mtime")), **declared(request)}
    given = {name: value for name, value in about.items() if value is not None}
    if given:
        await _declare(request, upload, given)
    await respond_stored(request, target, await complete(request, upload))


async def _declare(request: DavRequest, upload: str, about: Mapping[str, str]) -> None:
    """Tell the upload what the client says of the whole file. A MOVE that is sent again has told it before."""
    try:
        await request.api.send("upload", "POST", f"/v1/uploads/{upload}/parts", {"numbers": [1], **about})
    except Conflict as error:
        if error.code != "upload_completed":
            raise


async def _propfind(request: DavRequest, place: Place) -> None:
    """The chunks that are stored, so that a client sends the others only; 404 once no more are taken."""
    upload, _ = await _begun(request, place)
    state = await request.api.get("upload", f"/v1/uploads/{upload}")
    if "multipart" not in state:
        raise not_found("upload")
    collection = element("{DAV:}resourcetype", empty_element("{DAV:}collection"))
    rows = [response(place.href, [propstat(200, collection)])]
    for part in state["multipart"]["sent"]:
        length = element("{DAV:}getcontentlength", str(part["size"]))
        about = empty_element("{DAV:}resourcetype") + length
        rows.append(response(f"{place.href}{part['number']:05}", [propstat(200, about)]))
    await request.respond(207, XML_HEADERS, document(rows))


async def _begin(request: DavRequest, place: Place) -> str:
    """The upload of a transfer, which begins if it has not yet."""
    target, total = request.destination, total_length(request)

    async def initiate(send: Send) -> None:
        wanted = {"on_conflict": "fail", "notify": False, "size": total, "method": "multipart"}
        there = placed_in(await parent_of(request.api, target), target, wanted)
        upload = await request.api.send("upload", "POST", "/v1/uploads", there)
        await send_response(send, 201, [], orjson.dumps({"id": upload["id"], "path": target.path}))

    begun = (await started(request, _key(place), b"", initiate)).json()
    _require_same(begun["path"], target)
    return str(begun["id"])


async def _begun(request: DavRequest, place: Place) -> tuple[str, str]:
    """The upload of a transfer, and where its file goes; 404 if nothing has begun."""

    async def absent(_: Send) -> None:
        raise not_found("upload")

    begun = (await started(request, _key(place), b"", absent)).json()
    return str(begun["id"]), str(begun["path"])


def _key(place: Place) -> str:
    return f"uploads:{quote(place.transfer)}"


def _require_same(path: str, target: Target) -> None:
    if path != target.path:
        raise bad_request("The Destination is another one than at the beginning.", "invalid_destination")
