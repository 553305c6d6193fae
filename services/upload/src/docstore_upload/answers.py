"""What the public routes answer, as the API's description shows it."""

from datetime import datetime
from typing import Literal

from docstore_platform.answers import Answer, FileJson, ItemProblem, Page, ProblemJson, sometimes
from docstore_platform.values import Sha256
from docstore_upload.domain import Method

PublicState = Literal["initiated", "uploading", "completed", "expired", "aborted"]


class Refused(Answer):
    """Why an upload came to nothing."""

    status: int
    """HTTP status that completing it answers."""
    code: str
    """Stable, as of any problem."""
    detail: str
    """For people."""


class FormMeans(Answer):
    """An HTML form: POST it as `multipart/form-data`, the file as its last field, named `file`."""

    url: str
    """Where it is sent."""
    fields: dict[str, str]
    """Hidden fields, signed: all of them, before the file."""


class PutMeans(Answer):
    """One PUT."""

    url: str
    """Signed; good until the upload ends."""
    headers: dict[str, str]
    """To be sent exactly so: they are signed."""


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


class MultipartMeans(PartUrls):
    """Parts to be sent, at once if one likes: the first that are missing; for others ask for URLs."""

    sent: list[SentPart]
    """Parts that are there."""


class CredentialsMeans(Answer):
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


class BlocksMeans(Answer):
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
    """Bytes that a form takes at most, where the size was not said."""
    file: FileJson = sometimes()
    """Of a completed one: the file that it has become."""
    problem: Refused = sometimes()
    """Of one that was refused."""
    form: FormMeans = sometimes()
    put: PutMeans = sometimes()
    multipart: MultipartMeans = sometimes()
    credentials: CredentialsMeans = sometimes()
    blocks: BlocksMeans = sometimes()


class UploadPage(Page[Upload]):
    """A page of the caller's uploads, without the means."""


class InitiatedUploads(Answer):
    """An answer for each, in the order asked for."""

    items: list[Upload | ItemProblem]
    """In the order asked for."""


class CompletedUploads(Answer):
    """An answer for each, in the order asked for."""

    items: list[FileJson | ItemProblem]
    """In the order asked for."""


class MissingBlock(Answer):
    """A block that is to be sent, by a PUT."""

    hash: Sha256
    """SHA-256 of the block, in hexadecimal digits."""
    url: str
    """Signed, good for some minutes."""
    headers: dict[str, str]
    """To be sent exactly so: they are signed."""


class MissingBlocks(Answer):
    """Those of the named blocks that are not there."""

    missing: list[MissingBlock]
    """In the order asked for."""


class PackSlice(Answer):
    """Where a file's bytes go in the pack."""

    number: int
    """The file's place in the request, from 0."""
    offset: int
    """Bytes."""
    size: int
    """Bytes."""


class PackedFile(Answer):
    """What a file of a pack has become."""

    number: int
    """The file's place in the request, from 0."""
    file: FileJson
    version: int
    """The version that it is."""
    conflicted: bool
    """Whether it was put beside the file that had changed meanwhile, as a conflicted copy."""


class PackedProblem(Answer):
    """Why a file of a pack became nothing."""

    number: int
    """The file's place in the request, from 0."""
    problem: ProblemJson


class CompletedPack(Answer):
    """What became of each accepted file, in order."""

    files: list[PackedFile | PackedProblem]
    """In the order of the request."""


class Pack(Answer):
    """Many small files sent as one object."""

    id: str
    """What going on with it takes."""
    state: PublicState
    """It is open while `initiated` or `uploading`."""
    size: int
    """Bytes of its files together."""
    created_at: datetime
    """When it was begun."""
    expires_at: datetime
    """When it ends if it is not completed."""
    files: list[PackSlice | ItemProblem | PackedFile | PackedProblem]
    """While it is open, where each file's bytes go or why it is refused; then what became of the accepted ones."""
    put: PutMeans = sometimes()
    """While it is open: the means to send it."""
    problem: ProblemJson = sometimes()
    """Of one that was refused as a whole."""


class NoPack(Answer):
    """None of the files was accepted."""

    id: None
    """Null: there is no pack."""
    files: list[ItemProblem]
    """In the order of the request."""
