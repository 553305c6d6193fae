"""What clients send, checked: the shapes of the public API."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from docstore_contents.block_list import MAX_BLOCK_BYTES, MAX_BLOCKS
from docstore_platform.bodies import Body, one_of
from docstore_platform.problems import MAX_MESSAGE_CHARS, Problem, broken_rule, field_place, invalid, validation_code
from docstore_platform.values import MAX_VERSION, WHOLE, FilePath, Id, Moment, Sha256, Tag, described
from docstore_upload.blocks import MAX_FRAME_BYTES
from docstore_upload.domain import (
    CONTENT_TYPE,
    MAX_PARTS,
    MAX_SINGLE_REQUEST,
    MAX_SIZE,
    MIB,
    SHA256,
    Method,
    method_limit,
)

MAX_BATCH = 1000
MAX_TAGS, MAX_TAG_BYTES = 50, 64
METHODS = ("form", "put", "multipart", "credentials", "blocks")

FIRST_FILE_TIME, LAST_FILE_TIME = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def _in_range(moment: datetime) -> datetime:
    if not FIRST_FILE_TIME <= moment <= LAST_FILE_TIME:
        raise broken_rule("invalid_client_modified_at", "a time from 1900 to 9999")
    return moment


FileTime = Annotated[Moment, AfterValidator(_in_range)]
ContentType = Annotated[str, described(pattern=f"^{CONTENT_TYPE.pattern}$", examples=["application/pdf"])]
DeclaredSha256 = Annotated[str, described(pattern="^[0-9A-Fa-f]{64}$")]
Size = Annotated[int, described(minimum=0, maximum=MAX_SIZE), WHOLE]
PartNumber = Annotated[int, Field(ge=1, le=MAX_PARTS), WHOLE]
UploadMethod = Annotated[str, described(enum=METHODS)]


ONE_TARGET = one_of("path", "file_id", where={"file_id": {"parent_id": {"type": "null"}}})
ONE_SIZE = one_of("size", "max_size", where={"max_size": {"method": {"const": "form"}}})


class TargetRequest(Body):
    """What is to be uploaded and where to, whatever its size. `sha256` in hex.

    `path` starts from the folder `parent_id`, one's own or one shared by somebody else; from one's root by default.
    """

    model_config = ConfigDict(json_schema_extra=ONE_TARGET)

    path: FilePath | None = None
    parent_id: Id | None = None
    file_id: Id | None = None
    content_type: ContentType | None = None
    sha256: DeclaredSha256 | None = None
    base_version: Annotated[int, Field(ge=0, le=MAX_VERSION), WHOLE] | None = None
    on_conflict: Literal["copy", "fail"] = "copy"
    tags: Annotated[list[Tag], described(maxItems=MAX_TAGS)] = Field(default_factory=list)
    client_modified_at: FileTime | None = None
    """When the content was last changed where it comes from, such as a file's modification time; to the millisecond."""


class FileRequest(TargetRequest):
    """A file of `size` bytes."""

    size: Size


class InitiateRequest(TargetRequest):
    """A file and the method by which its bytes are to be sent.

    `size` in bytes. Where nobody can tell it beforehand (a browser without script), the method `form` takes `max_size`
    instead: up to so many bytes.
    """

    model_config = ConfigDict(json_schema_extra={"allOf": [ONE_TARGET, ONE_SIZE]})

    size: Size | None = None
    notify: bool = True
    """Whether the uploader is notified once it is complete; a client that shows this itself says no."""
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


class MissingRequest(Body):
    """Blocks by the SHA-256 of their bytes; `sizes`: by the same, the length of the frame that will be sent."""

    hashes: list[Sha256] = Field(min_length=1, max_length=1000, fail_fast=True)
    sizes: dict[Sha256, Annotated[int, Field(ge=1, le=MAX_FRAME_BYTES), WHOLE]] | None = Field(None, max_length=1000)


class BatchCompleteItem(CompleteRequest):
    id: Id


class BatchRequest(Body):
    """Items are checked one by one: a bad one does not spoil the others."""

    uploads: list[Any] = Field(min_length=1, max_length=MAX_BATCH)


class PartsRequest(Body):
    numbers: list[PartNumber] = Field(min_length=1, max_length=1000, fail_fast=True)


_initiate: TypeAdapter[InitiateRequest] = TypeAdapter(InitiateRequest)
_complete_item: TypeAdapter[BatchCompleteItem] = TypeAdapter(BatchCompleteItem)


R = TypeVar("R")


def read_item(adapter: TypeAdapter[R], item: Any) -> R | Problem:
    """One item of a batch; a Problem if it can't be understood."""
    try:
        return adapter.validate_python(item)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        first = errors[0]
        detail = f"{field_place(first['loc']) or 'item'}: {first['msg'][:MAX_MESSAGE_CHARS]}"
        return invalid(detail, validation_code(errors))


def read_initiate(item: Any) -> InitiateRequest | Problem:
    """One item of a batch; a Problem if it can't be understood."""
    return read_item(_initiate, item)


def read_complete_item(item: Any) -> BatchCompleteItem | Problem:
    """One item of a batch: `{id, parts?, blocks?}`, or just the id."""
    return read_item(_complete_item, {"id": item} if isinstance(item, str) else item)


def refuse_initiate(request: InitiateRequest, open_form_bytes: int) -> Problem | None:
    """The rule that this request breaks, if any. The other rules of paths are metadata's.

    `open_form_bytes`: the most that a form may leave open.
    """
    if request.method not in METHODS:
        return invalid(f"method must be one of {', '.join(METHODS)}.", "unsupported_method")
    if request.method == "blocks" and request.sha256 is None:
        return invalid("What is sent in blocks is declared with its sha256.", "invalid_sha256")
    return refuse_target(request) or _refuse_sizes(request, open_form_bytes) or refuse_description(request)


def refuse_target(request: TargetRequest) -> Problem | None:
    """Whether it says where to."""
    if (request.path is None) == (request.file_id is None):
        return invalid("Name either a path or a file_id.")
    if request.parent_id is not None and request.path is None:
        return invalid("parent_id is where a path starts from.")
    if request.path is not None and not _is_unicode(request.path):
        return invalid("path is not Unicode text.", "invalid_path")
    return None


def _is_unicode(text: str) -> bool:
    """JSON can spell half of a surrogate pair, which nobody can write down again."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _refuse_sizes(request: InitiateRequest, open_form_bytes: int) -> Problem | None:
    if request.size is not None and request.max_size is None:
        return _refuse_size(request.size, request.method)  # type: ignore[arg-type]
    if request.max_size is None or request.size is not None:
        return invalid("Say the size; a form may say max_size instead.")
    if request.method != "form":
        return invalid("Only a form may say max_size instead of the size.")
    if not 1 <= request.max_size <= open_form_bytes:
        return invalid(f"max_size must be 1 to {open_form_bytes} bytes.", "invalid_size")
    return None


def _refuse_size(size: int, method: Method) -> Problem | None:
    if not 0 <= size <= MAX_SIZE:
        return invalid(f"size must be 0 to {MAX_SIZE} bytes.", "invalid_size")
    limit = MAX_BLOCKS * MAX_BLOCK_BYTES if method == "blocks" else method_limit(method)
    if size > limit:
        detail = f"{method} can send at most {limit // MIB} MiB; use multipart."
        return invalid(detail, "too_large_for_method")
    return None


def refuse_description(request: TargetRequest) -> Problem | None:
    if request.content_type is not None and not CONTENT_TYPE.fullmatch(request.content_type):
        return invalid("content_type is no media type.", "invalid_content_type")
    if request.sha256 is not None and not SHA256.fullmatch(request.sha256.lower()):
        return invalid("sha256 must be 64 hex digits.", "invalid_sha256")
    return _refuse_tags(request.tags)


def _refuse_tags(tags: list[str]) -> Problem | None:
    """Metadata's rule, said before the bytes are sent in vain."""
    try:
        sizes = [len(unicodedata.normalize("NFC", tag.strip()).encode()) for tag in tags]
    except UnicodeEncodeError:
        sizes = [0]
    printable = all(tag.strip().isprintable() for tag in tags)
    if len(tags) > MAX_TAGS or not printable or any(not 1 <= size <= MAX_TAG_BYTES for size in sizes):
        return invalid(
            f"At most {MAX_TAGS} tags, each of 1 to {MAX_TAG_BYTES} bytes of printable text.", "invalid_tags"
        )
    return None
