"""Public HTTP routes of files, folders and the trash: thin. Bodies are written straight as JSON."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response
from pydantic import Field

from docstore_metadata import answers
from docstore_metadata.dependencies import Caller, Cases, file_response
from docstore_metadata.domain import MAX_TAGS, Place, Version
from docstore_metadata.listing import DEFAULT_LIMIT, MAX_LIMIT
from docstore_metadata.presentation import trashed_json, version_json
from docstore_metadata.service import Edit
from docstore_metadata.use_cases import UseCases
from docstore_platform.bodies import Body
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import invalid
from docstore_platform.tokens import Principal
from docstore_platform.values import MAX_VERSION, Cursor, FileName, FilePath, Id, Tag, VersionNumber
from docstore_platform.web import json_response

router = APIRouter(tags=["files"])

IfMatch = Annotated[str | None, Header()]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]


class NewFolder(Body):
    path: FilePath
    parent_id: Id | None = Field(None, description="the folder that the path starts from")


class Changes(Body):
    name: FileName | None = None
    parent_id: Id | None = None
    tags: list[Tag] | None = Field(None, max_length=4 * MAX_TAGS, description="Up to 50 different ones.")


class CopyTo(Body):
    path: FilePath
    parent_id: Id | None = Field(None, description="the folder that the path starts from")


@router.post(
    "/folders",
    status_code=201,
    response_model=answers.File,
    responses={200: {"description": "There is such a folder.", "model": answers.File}},
)
async def make_folder(body: NewFolder, principal: Caller, cases: Cases) -> Response:
    """Make a folder and those above it; 200 if it exists."""
    place, is_new = await cases.files.make_folder(principal, body.path, body.parent_id)
    return await file_response(cases, principal, place, 201 if is_new else 200)


@router.patch("/files/{file_id}", response_model=answers.File)
async def change_file(
    file_id: str, body: Changes, principal: Caller, cases: Cases, if_match: IfMatch = None
) -> Response:
    """Rename, move and tag; 412 if it is not as `If-Match` says, 409 if the name is taken."""
    edit = Edit(body.name, body.parent_id, body.tags)
    return await file_response(cases, principal, await cases.files.edit(principal, file_id, edit, if_match))


@router.post("/files/{file_id}/copy", status_code=201, response_model=answers.File)
async def copy_file(file_id: str, body: CopyTo, principal: Caller, cases: Cases) -> Response:
    """Copy a file, or a folder with all that is in it."""
    place = await cases.copier.copy(principal, file_id, body.path, body.parent_id)
    return await file_response(cases, principal, place, 201)


@router.delete("/files/{file_id}", status_code=204)
async def delete_file(file_id: str, principal: Caller, cases: Cases, if_match: IfMatch = None) -> Response:
    """Put a file, or a folder with all that is in it, into the trash."""
    await cases.trash.put_in(principal, file_id, if_match)
    return Response(status_code=204)


@router.get("/trash", response_model=answers.TrashPage)
async def list_trash(principal: Caller, cases: Cases, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
    """What is in the trash, the latest first; `expires_at`: when it goes for good, then or a little later."""
    nodes, next_cursor = await cases.trash.page(principal, cursor, limit)
    ends = await cases.keeping.trash_ends(principal)
    items = [trashed_json(node, ends.of(node.trashed_at)) for node in nodes if node.trashed_at]
    return json_response({"items": items, "next_cursor": next_cursor})


@router.post("/files/{file_id}/restore", response_model=answers.File)
async def restore_file(file_id: str, principal: Caller, cases: Cases) -> Response:
    """Take it out of the trash: to where it was, or into the root; renamed if its name is taken by now."""
    return await file_response(cases, principal, await cases.trash.restore(principal, file_id))


@router.delete("/trash/{file_id}", status_code=204)
async def purge_file(file_id: str, principal: Caller, cases: Cases) -> Response:
    """Remove for good, with all versions."""
    await cases.trash.purge(principal, file_id)
    return Response(status_code=204)


@router.get("/files/{file_id}/versions", response_model=answers.VersionPage)
async def list_versions(
    file_id: str, principal: Caller, cases: Cases, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """The versions kept, the newest first; of what somebody else shares, those since then."""
    before = _number(cursor) if cursor else None
    place, versions = await cases.history.newest_first(principal, file_id, before, limit + 1)
    return await _versions(principal, place, versions, limit, cases)


@router.get("/files/{file_id}/changes", response_model=answers.VersionPage)
async def list_changes(
    file_id: str,
    principal: Caller,
    cases: Cases,
    since: Annotated[int, Query(ge=0, le=MAX_VERSION)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """The versions after a number, the oldest first."""
    after = max(since, _number(cursor)) if cursor else since
    place, versions = await cases.history.since(principal, file_id, after, limit + 1)
    return await _versions(principal, place, versions, limit, cases)


@router.post("/files/{file_id}/versions/{number}/restore", response_model=answers.File)
async def restore_version(
    file_id: str, number: Annotated[VersionNumber, Path()], principal: Caller, cases: Cases
) -> Response:
    """Make an old version the current one again, as a new version."""
    return await file_response(cases, principal, await cases.history.restore(principal, file_id, number))


def _number(cursor: str) -> int:
    number: int = decode_cursor(cursor, int)[0]
    if not 0 <= number <= MAX_VERSION:
        raise invalid("The cursor is not one of ours.", "invalid_cursor")
    return number


async def _versions(
    principal: Principal, place: Place, versions: Sequence[Version], limit: int, cases: UseCases
) -> Response:
    names = await cases.names.of(version.created_by for version in versions[:limit])
    items = [version_json(version, place, principal.account_id, names) for version in versions[:limit]]
    cursor = encode_cursor(items[-1]["version"]) if len(versions) > limit else None
    return json_response({"items": items, "next_cursor": cursor})
