"""Request and response models of upload sessions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from docstore_contents.block_list import MAX_BLOCK_BYTES, MAX_BLOCKS
from docstore_platform.http.request_models import RequestModel, one_of
from docstore_platform.http.response_models import FileJson, ItemProblem, Page, ResponseModel, omittable
from docstore_platform.http.values import WHOLE, Id, MetadataNames, Sha256, described
from docstore_upload.lifecycle.schemas import (
    ONE_TARGET,
    Content,
    FileTime,
    PublicState,
    PutInstructions,
    Size,
    TargetRequest,
)
from docstore_upload.sessions.rules import MAX_PARTS, MAX_SINGLE_REQUEST, MIN_PART, Method


class UploadProblem(ResponseModel):
    """Why an upload failed."""

    status: int
    """HTTP status of the response to its completion."""
    code: str
    """Stable code of the problem."""
    detail: str
    """Explanation for people."""


class FormInstructions(ResponseModel):
    """An HTML form: POST it as `multipart/form-data`, the file as its last field, named `file`."""

    url: str
    """URL to post to."""
    fields: dict[str, str]
    """Hidden signed fields: send all of them, before the file, and with them an input `x-amz-meta-NAME` for each of
    `metadata_fields`, which may be left empty."""


class PartUrl(ResponseModel):
    """Instructions to PUT one part."""

    number: int
    """Part number, from 1."""
    size: int
    """Exact bytes of the part."""
    url: str
    """Signed URL, valid until the upload ends. Keep the ETag of its response to complete the upload."""


class SentPart(ResponseModel):
    """A part that is stored."""

    number: int
    """Part number, from 1."""
    etag: str
    """ETag as the store returned it."""
    size: int
    """Bytes."""


class PartUrls(ResponseModel):
    """URLs to send parts of a multipart upload to."""

    part_size: int
    """Bytes of every part but the last."""
    part_count: int
    """Number of parts."""
    parts: list[PartUrl]
    """In order."""


class MultipartInstructions(PartUrls):
    """Parts to send, in any order or at once: the first missing ones. Request URLs for the others."""

    sent: list[SentPart]
    """Parts that are stored."""


class CredentialsInstructions(ResponseModel):
    """Temporary credentials for any S3 tool, valid for this one key."""

    access_key_id: str
    """AWS_ACCESS_KEY_ID."""
    secret_access_key: str
    """AWS_SECRET_ACCESS_KEY."""
    session_token: str
    """AWS_SESSION_TOKEN."""
    expires_at: datetime
    """When the credentials end."""
    endpoint: str
    """URL of the object store."""
    region: str
    """Region of the object store."""
    bucket: str
    """Bucket of the object store."""
    key: str
    """Key to write the content to."""


class BlocksInstructions(ResponseModel):
    """Empty: get the URLs of blocks from `/v1/blocks/missing`."""


class Upload(ResponseModel):
    """An upload. While it is open, its instructions are in the field named as its method."""

    id: str
    """Id of the upload."""
    state: PublicState
    """Open while `initiated` or `uploading`."""
    method: Method
    """How the bytes are sent."""
    path: str
    """Path of the new file, as the caller sees it."""
    size: int | None
    """Bytes; null while only `max_size` is known."""
    content_type: str
    """Media type of the file."""
    sha256: Sha256 | None
    """As declared; null if it was not."""
    created_at: datetime
    """When it was initiated."""
    expires_at: datetime
    """When it ends unless it is completed."""
    max_size: int = omittable()
    """Only for a form of open size: most bytes it takes."""
    file: FileJson = omittable()
    """Only if completed: the file."""
    problem: UploadProblem = omittable()
    """Only if refused: why."""
    form: FormInstructions = omittable()
    put: PutInstructions = omittable()
    multipart: MultipartInstructions = omittable()
    credentials: CredentialsInstructions = omittable()
    blocks: BlocksInstructions = omittable()


class UploadPage(Page[Upload]):
    """A page of the caller's uploads, without instructions."""


class InitiatedUploads(ResponseModel):
    """A result for each item, in the order of the request."""

    items: list[Upload | ItemProblem]
    """In the order of the request."""


class CompletedUploads(ResponseModel):
    """A result for each item, in the order of the request."""

    items: list[FileJson | ItemProblem]
    """In the order of the request."""


MAX_BATCH = 1000
METHODS = ("form", "put", "multipart", "credentials", "blocks")
PartNumber = Annotated[int, Field(ge=1, le=MAX_PARTS), WHOLE]
UploadMethod = Annotated[str, described(enum=METHODS)]
ONE_SIZE = one_of("size", "max_size", where={"max_size": {"method": {"const": "form"}}})


class InitiateRequest(TargetRequest):
    """A file and the method to send its bytes.

    `size` in bytes. If it can't be known beforehand (a browser without script), the method `form` takes `max_size`
    instead: the most bytes it may have.
    """

    model_config = ConfigDict(json_schema_extra={"allOf": [ONE_TARGET, ONE_SIZE]})

    size: Size | None = None
    """Bytes of the content."""
    notify: bool = True
    """Whether to notify the uploader once it is complete; a client that shows this itself sends false."""
    max_size: Annotated[int, described(minimum=1, maximum=MAX_SINGLE_REQUEST), WHOLE] | None = None
    """Only with method `form`, in place of `size`: most bytes that the form accepts."""
    content: Content | None = None
    """Only with method `put`: the bytes of a small file, in Base64, which this request stores and commits."""
    method: UploadMethod
    """How the bytes are sent: a signed HTML form, one signed PUT, parallel signed parts, temporary credentials for any
    S3 tool, or blocks."""
    part_size: Annotated[int, described(minimum=MIN_PART, maximum=MAX_SINGLE_REQUEST), WHOLE] | None = None
    """Bytes of every part but the last of a multipart upload, for a client that has its parts already."""
    metadata_fields: MetadataNames | None = None
    """Names of custom metadata whose values are entered in a form, in fields `x-amz-meta-NAME`."""

    @property
    def most(self) -> int:
        """Bytes to reserve: its size, or the most that may be."""
        most = self.max_size if self.size is None else self.size
        assert most is not None
        return most


class PartRequest(RequestModel):
    number: PartNumber
    """Number of the part, from 1."""
    etag: str = Field(max_length=200)
    """`ETag` of the store's response to the part."""


class BlockRequest(RequestModel):
    """A block by the SHA-256 of its bytes; `size`: how many they are."""

    hash: Sha256
    """SHA-256 of the block's bytes before compression."""
    size: Annotated[int, Field(ge=1, le=MAX_BLOCK_BYTES), WHOLE]
    """Bytes of the block before compression."""


class CompleteRequest(RequestModel):
    """`parts` is optional: without it the store is asked. `blocks` are in the order of the file."""

    parts: list[PartRequest] | None = Field(None, max_length=MAX_PARTS, fail_fast=True)
    """For a multipart upload: its parts. Without them, the store is asked which parts it has."""
    blocks: list[BlockRequest] | None = Field(None, max_length=MAX_BLOCKS, fail_fast=True)
    """For an upload in blocks: its blocks, in the order of the file."""


class BatchCompleteItem(CompleteRequest):
    id: Id


class BatchRequest(RequestModel):
    """Items are checked one by one: an invalid one does not affect the others."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"uploads": [{"path": "/work/report.pdf", "size": 48213, "method": "put"}]}]}
    )

    uploads: list[Any] = Field(min_length=1, max_length=MAX_BATCH)
    """Each item is like the body of the call for a single upload."""


class CompleteBatchRequest(BatchRequest):
    """Items are checked one by one: an invalid one does not affect the others."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"uploads": [{"id": "0199f3c2a7d17c5e9d0b3f6a8e2c4d10"}]}]}
    )

    uploads: list[Any] = Field(min_length=1, max_length=MAX_BATCH)
    """Each item is the `id` of an upload, with its `parts` or `blocks` if it has any."""


PartSize = Annotated[int, Field(ge=1, le=MAX_SINGLE_REQUEST), WHOLE]


class PartsRequest(RequestModel):
    numbers: list[PartNumber] = Field(min_length=1, max_length=1000, fail_fast=True)
    """Numbers of the parts to sign."""
    sha256: Sha256 | None = None
    """SHA-256 of the whole content, for a client that did not know it when it began: verified on completion."""
    sizes: list[PartSize] | None = Field(None, min_length=1, max_length=1000, fail_fast=True)
    """Bytes of each of these parts, for a client whose parts differ in length: numbered from 1 without gaps, together
    the upload's size. The store refuses parts of less than 5 MiB before the last."""
    client_modified_at: FileTime | None = None
    """As for a new upload, for a client that did not know it when it began."""
