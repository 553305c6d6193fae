"""PUT, MKCOL, DELETE, COPY and MOVE: each is a change that the API makes, with the API's rules."""

from docstore_gateway.dav.protocol.headers import bad_request, depth_of, overwrite_of
from docstore_gateway.dav.protocol.request import DavRequest
from docstore_gateway.dav.protocol.resources import Resource, existing, find, parent_of
from docstore_gateway.dav.uploads.body import Body, Checksum
from docstore_gateway.dav.uploads.chunks import put_chunk, respond_stored
from docstore_gateway.dav.uploads.small_files import MAX_BYTES, SmallFile, SmallFiles
from docstore_gateway.dav.uploads.uploading import IS_CONDITIONAL, Uploader, described, put_target
from docstore_platform.errors import Conflict, DomainError, Forbidden, PreconditionFailed
from docstore_platform.http.body_limits import check_length
from docstore_platform.http.problems import Problem

MAX_FILE_BYTES = 5 << 40


async def put(small_files: SmallFiles, request: DavRequest) -> None:
    """Make the body a new file, or the next version of the file there."""
    if b"content-range" in request.headers:
        raise bad_request("A part of a file can't be written: send all of it.", "partial_put")
    if request.names_folder:
        raise Problem(405, "is_a_folder", "A folder has no content: use MKCOL to create one.")
    if b"oc-chunked" in request.headers:
        await put_chunk(request, _size(request))
        return
    checksum_header = request.header(b"oc-checksum")
    checksum = Checksum(checksum_header) if checksum_header else None
    size, body = _size(request), Body(request.receive, checksum)
    try:
        if size is not None and size <= MAX_BYTES and _stands_alone(request):
            content = await body.read(size)
            body.check(size)
            small = SmallFile(request.api, request.target, described(request), content)
            file = await small_files.store(request.principal, small)
        else:
            target = await put_target(request, request.target)
            file = await Uploader(request.api, request.doors.urls).upload(target.request, body, size)
    except Conflict as error:
        raise _refused(error) from None
    await respond_stored(request, request.target, file)


def _stands_alone(request: DavRequest) -> bool:
    """Whether a PUT depends on no state or lock of what is there, so that it can be stored together with others."""
    return not request.api.lock_tokens and IS_CONDITIONAL.isdisjoint(request.headers)


def _refused(error: Conflict) -> DomainError:
    """A conflict of the API as WebDAV's clients know it."""
    if error.code == "version_conflict":
        return PreconditionFailed("It was changed by another person meanwhile.", code=error.code)
    if error.code == "name_taken":
        return Problem(405, "is_a_folder", "There is a folder of this name.")
    return error


def _size(request: DavRequest) -> int | None:
    """The length of the body; None if the client does not know it."""
    announced = request.headers.get(b"content-length")
    if announced is None:
        announced = request.headers.get(b"x-expected-entity-length")  # macOS, which sends chunks
    if announced is None:
        return None
    check_length(announced, MAX_FILE_BYTES)
    return int(announced)


async def mkcol(request: DavRequest) -> None:
    """Create one folder."""
    if await request.body():
        raise Problem(415, "unsupported_media_type", "MKCOL takes no body.")
    if await find(request.api, request.target) is not None:
        raise _exists()
    parent = await parent_of(request.api, request.target)
    created = {"parent_id": parent.id, "path": f"/{request.target.name}"}
    folder = Resource(request.target, await request.api.send("metadata", "POST", "/v1/folders", created))
    await request.respond(201, [(b"oc-fileid", folder.id.encode())])


def _exists() -> Problem:
    return Problem(405, "name_taken", "There is already something of this name.")


async def delete(request: DavRequest) -> None:
    """Put a file, or a folder with all that is in it, into the trash."""
    depth_of(request.header(b"depth"), "infinity", ("infinity",))
    resource = await existing(request.api, request.target)
    request.check_etag(resource)
    await _delete(request, resource)
    await request.respond(204)


async def _delete(request: DavRequest, resource: Resource) -> None:
    if resource.target.is_root:
        raise Forbidden("The root can't be deleted.", code="invalid_move")
    resource.refuse_change()
    await request.api.send("metadata", "DELETE", f"/v1/files/{resource.id}")


async def move(request: DavRequest) -> None:
    """Rename or move; what has the name there goes into the trash, unless Overwrite is F."""
    depth_of(request.header(b"depth"), "infinity", ("infinity",))
    source, parent, replaced = await _transfer(request)
    if source.target.is_root:
        raise Forbidden("The root can't be moved.", code="invalid_move")
    change = {"name": request.destination.name, "parent_id": parent.id}
    if replaced is not None:
        change["replace"] = replaced.id
    await request.api.send("metadata", "PATCH", f"/v1/files/{source.id}", change)
    await _respond_created(request, replaced)


async def copy(request: DavRequest) -> None:
    """Copy a file, or a folder: with all that is in it, or with Depth 0 without."""
    depth = depth_of(request.header(b"depth"), "infinity", ("0", "infinity"))
    source, parent, replaced = await _transfer(request)
    name = request.destination.name
    target = {"path": f"/{name}", "parent_id": parent.id}
    if replaced is not None:
        target["replace"] = replaced.id
    if source.is_folder and depth == "0":
        if replaced is not None:
            await _delete(request, replaced)
            del target["replace"]
        await request.api.send("metadata", "POST", "/v1/folders", target)
    else:
        await request.api.send("metadata", "POST", f"/v1/files/{source.id}/copy", target)
    await _respond_created(request, replaced)


async def _transfer(request: DavRequest) -> tuple[Resource, Resource, Resource | None]:
    """The source, the folder that it goes into, and what it replaces there."""
    destination, overwrite = request.destination, overwrite_of(request.header(b"overwrite"))
    source = await existing(request.api, request.target)
    source.refuse_change()
    request.check_etag(source)
    if destination.path == source.target.path:
        raise Forbidden("Source and destination are the same.", code="same_destination")
    if destination.is_root:
        raise Forbidden("The root can't be replaced.", code="invalid_move")
    inside = source.target.path.removesuffix("/") + "/"
    if destination.path.startswith(inside):
        raise Conflict("A folder can't be put into itself.", code="invalid_move")
    replaced = await find(request.api, destination)
    if replaced is not None:
        replaced.refuse_change()
    if replaced is not None and not overwrite:
        raise PreconditionFailed("There is already something at the destination.", code="name_taken")
    if replaced is not None and source.target.path.startswith(f"{destination.path}/"):
        raise Conflict("What it should replace contains it.", code="invalid_move")
    return source, await parent_of(request.api, destination), replaced


async def _respond_created(request: DavRequest, replaced: Resource | None) -> None:
    location = (b"location", request.destination.href.encode())
    await request.respond(201 if replaced is None else 204, [location] if replaced is None else [])
