"""Request and response models of upload sessions."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from docstore_contents.block_list import MAX_BLOCK_BYTES, MAX_BLOCKS
from docstore_platform.answers import Answer, FileJson, ItemProblem, Page, sometimes
from docstore_platform.bodies import Body, one_of
from docstore_platform.values import WHOLE, Id, Sha256, described
from docstore_upload.lifecycle.schemas import ONE_TARGET, PublicState, PutInstructions, Size, TargetRequest
from docstore_upload.sessions.rules import MAX_PARTS, MAX_SINGLE_REQUEST, Method


class UploadProblem(Answer):
    """Why an upload came to nothing."""

    status: int
    """HTTP status that completing it answers."""
    code: str
    """Stable, as of any problem."""
    detail: str
    """For people."""


class FormInstructions(Answer):
    """An HTML form: POST it as `multipart/form-data`, the file as its last field, named `file`."""

    url: str
    """Where it is sent."""
    fields: dict[str, str]
    """Hidden fields, signed: all of them, before the file."""


class PartUrl(Answer):
    """Where a part is PUT."""

    number: int
    """From 1."""
    size: int
    """Bytes, exactly."""
    url: str
    """Signed; good until the upload ends. Its answer's ETag is wanted for completing."""


class SentPart(Answer):
    """A part that is there."""

    number: int
    """From 1."""
    etag: str
    """As the store answered it."""
    size: int
    """Bytes."""


class PartUrls(Answer):
    """Where parts of a multipart upload are sent."""

    part_size: int
    """Bytes of every part but the last."""
    part_count: int
    """How many there are to be."""
    parts: list[PartUrl]
    """In order."""


class MultipartInstructions(PartUrls):
    """Parts to be sent, at once if one likes: the first that are missing; for others ask for URLs."""

    sent: list[SentPart]
    """Parts that are there."""


class CredentialsInstructions(Answer):
    """Temporary credentials for any S3 tool, which open this one key."""

    access_key_id: str
    """AWS_ACCESS_KEY_ID."""
    secret_access_key: str
    """AWS_SECRET_ACCESS_KEY."""
    session_token: str
    """AWS_SESSION_TOKEN."""
    expires_at: datetime
    """When the credentials end."""
    endpoint: str
    """Address of the object store."""
    region: str
    """Of the object store."""
    bucket: str
    """Of the object store."""
    key: str
    """Where the content is put."""


class BlocksInstructions(Answer):
    """Nothing: blocks are sent as `/v1/blocks/missing` says."""


class Upload(Answer):
    """An upload. While it is open, what `method` needs stands under the method's name."""

    id: str
    """What going on with it takes."""
    state: PublicState
    """It is open while `initiated` or `uploading`."""
    method: Method
    """How the bytes are sent."""
    path: str
    """Where the file is to be, as the caller sees it."""
    size: int | None
    """Bytes; null as long as only the most is known, which is `max_size`."""
    content_type: str
    """Media type that the file will have."""
    sha256: Sha256 | None
    """As declared; null if it was not."""
    created_at: datetime
    """When it was begun."""
    expires_at: datetime
    """When it ends if nothing is completed."""
    max_size: int = sometimes()
    """Bytes that a form takes at most, where the size was left open."""
    file: FileJson = sometimes()
    """Of a completed one: the file that it has become."""
    problem: UploadProblem = sometimes()
    """Of one that was refused."""
    form: FormInstructions = sometimes()
    put: PutInstructions = sometimes()
    multipart: MultipartInstructions = sometimes()
    credentials: CredentialsInstructions = sometimes()
    blocks: BlocksInstructions = sometimes()


class UploadPage(Page[Upload]):
    """A page of the caller's uploads, without the instructions."""


class InitiatedUploads(Answer):
    """An answer for each, in the order asked for."""

    items: list[Upload | ItemProblem]
    """In the order asked for."""


class CompletedUploads(Answer):
    """An answer for each, in the order asked for."""

    items: list[FileJson | ItemProblem]
    """In the order asked for."""


MAX_BATCH = 1000
METHODS = ("form", "put", "multipart", "credentials", "blocks")
PartNumber = Annotated[int, Field(ge=1, le=MAX_PARTS), WHOLE]
UploadMethod = Annotated[str, described(enum=METHODS)]
ONE_SIZE = one_of("size", "max_size", where={"max_size": {"method": {"const": "form"}}})


class InitiateRequest(TargetRequest):
    """A file and the method by which its bytes are to be sent.

    `size` in bytes. Where nobody can tell it beforehand (a browser without script), the method `form` takes `max_size`
    instead: up to so many bytes.
    """

    model_config = ConfigDict(json_schema_extra={"allOf": [ONE_TARGET, ONE_SIZE]})

    size: Size | None = None
    notify: bool = True
    """Whether the uploader is notified once it is complete; a client that shows this itself sends false."""
    max_size: Annotated[int, described(minimum=1, maximum=MAX_SINGLE_REQUEST), WHOLE] | None = None
    method: UploadMethod

    @property
    def most(self) -> int:
        """Bytes that must have room: its size, or what that may be at most."""
        most = self.max_size if self.size is None else self.size
        assert most is not None
        return most


class PartRequest(Body):
    number: PartNumber
    etag: str = Field(max_length=200)


class BlockRequest(Body):
    """A block by the SHA-256 of its bytes; `size` of them."""

    hash: Sha256
    size: Annotated[int, Field(ge=1, le=MAX_BLOCK_BYTES), WHOLE]


class CompleteRequest(Body):
    """`parts` is optional: without it the store is asked which parts it has. `blocks` are in the order of the file."""

    parts: list[PartRequest] | None = Field(None, max_length=MAX_PARTS, fail_fast=True)
    blocks: list[BlockRequest] | None = Field(None, max_length=MAX_BLOCKS, fail_fast=True)


class BatchCompleteItem(CompleteRequest):
    id: Id


class BatchRequest(Body):
    """Items are checked one by one: a bad one does not spoil the others."""

    uploads: list[Any] = Field(min_length=1, max_length=MAX_BATCH)


class PartsRequest(Body):
    numbers: list[PartNumber] = Field(min_length=1, max_length=1000, fail_fast=True)
