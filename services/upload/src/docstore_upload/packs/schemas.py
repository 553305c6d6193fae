"""Request and response models of packs."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from docstore_contents.packs import MAX_SLICES
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import FileJson, ItemProblem, ProblemJson, ResponseModel, omittable
from docstore_upload.lifecycle.schemas import Content, FileRequest, PublicState, PutInstructions


class PackSlice(ResponseModel):
    """Position of a file's bytes in the pack."""

    number: int
    """Index of the file in the request, from 0."""
    offset: int
    """Bytes."""
    size: int
    """Bytes."""


class PackedFile(ResponseModel):
    """A committed file of a pack."""

    number: int
    """Index of the file in the request, from 0."""
    file: FileJson
    version: int
    """Number of its new version."""
    conflicted: bool
    """Whether it was stored as a conflicted copy, because the file had changed meanwhile."""


class PackedProblem(ResponseModel):
    """Why a file of a pack was refused."""

    number: int
    """Index of the file in the request, from 0."""
    problem: ProblemJson


class CompletedPack(ResponseModel):
    """The result of each accepted file, in order."""

    files: list[PackedFile | PackedProblem]
    """In the order of the request."""


class Pack(ResponseModel):
    """Many small files sent as one object."""

    id: str
    """Id of the pack."""
    state: PublicState
    """Open while `initiated` or `uploading`."""
    size: int
    """Bytes of all its files."""
    created_at: datetime
    """When it was initiated."""
    expires_at: datetime
    """When it ends unless it is completed."""
    files: list[PackSlice | ItemProblem | PackedFile | PackedProblem]
    """While it is open, each file's position or why it is refused; afterwards the results of the accepted ones. If they
    came with their contents: each file's result, or why it is refused."""
    put: PutInstructions = omittable()
    """Only while it is open: instructions to send it."""
    problem: ProblemJson = omittable()
    """Only if the whole pack was refused: why."""


class NoPack(ResponseModel):
    """No file was accepted."""

    id: None
    """Null: there is no pack."""
    files: list[ItemProblem]
    """In the order of the request."""


class PackFileRequest(FileRequest):
    """A file for a pack."""

    content: Content | None = None
    """The bytes, in Base64."""


class PackRequest(RequestModel):
    """Files are checked one by one: an invalid one does not affect the others."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"files": [{"path": "/work/notes.txt", "size": 5, "sha256": 64 * "0"}]}]}
    )

    files: list[Any] = Field(min_length=1, max_length=MAX_SLICES)
    """Up to 512 files, each with its target, `size` and `sha256`; or all with their `content`, in Base64, and without
    `sha256`."""
    notify: bool = True
    """Whether to notify the uploader once it is complete; a client that shows this itself sends false."""
