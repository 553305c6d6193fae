"""Request and response models that upload sessions and packs share."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from docstore_contents.packs import MAX_SLICE_BYTES
from docstore_platform.http.problems import broken_rule
from docstore_platform.http.request_models import RequestModel, one_of
from docstore_platform.http.response_models import ResponseModel
from docstore_platform.http.values import (
    MAX_VERSION,
    WHOLE,
    CustomMetadata,
    FilePath,
    Id,
    Moment,
    Tag,
    described,
)
from docstore_upload.lifecycle.content_types import CONTENT_TYPE
from docstore_upload.lifecycle.rules import MAX_SIZE

PublicState = Literal["initiated", "uploading", "completed", "expired", "aborted"]


class PutInstructions(ResponseModel):
    """Instructions for one PUT."""

    url: str
    """Signed URL, valid until the upload ends."""
    headers: dict[str, str]
    """Headers to send exactly so: they are signed."""


MAX_TAGS, MAX_TAG_BYTES = 50, 64
FIRST_FILE_TIME, LAST_FILE_TIME = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def _in_range(moment: datetime) -> datetime:
    if not FIRST_FILE_TIME <= moment <= LAST_FILE_TIME:
        raise broken_rule("invalid_client_modified_at", "a time from 1900 to 9999")
    return moment


FileTime = Annotated[Moment, AfterValidator(_in_range)]
ContentType = Annotated[str, described(pattern=f"^{CONTENT_TYPE.pattern}$", examples=["application/pdf"])]
DeclaredSha256 = Annotated[str, described(pattern="^[0-9A-Fa-f]{64}$")]


def _from_base64(value: Any) -> bytes:
    try:
        content = b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise broken_rule("invalid_content", "Base64") from None
    if len(content) > MAX_SLICE_BYTES:
        raise broken_rule("too_large_for_method", f"at most {MAX_SLICE_BYTES} bytes; send larger ones to the store")
    return content


MAX_BASE64_CHARS = -(-MAX_SLICE_BYTES // 3) * 4
CONTENT_SCHEMA = {"type": "string", "contentEncoding": "base64", "maxLength": MAX_BASE64_CHARS}
Content = Annotated[bytes, PlainValidator(_from_base64), WithJsonSchema(CONTENT_SCHEMA)]
"""Bytes of a small file in a request, in Base64."""
Size = Annotated[int, described(minimum=0, maximum=MAX_SIZE), WHOLE]
ONE_TARGET = one_of("path", "file_id", where={"file_id": {"parent_id": {"type": "null"}}})


class TargetRequest(RequestModel):
    """The file to upload and its target, without the size. `sha256` in hex.

    `path` starts from the folder `parent_id`, the caller's own or a shared one; by default from the caller's root.
    """

    model_config = ConfigDict(json_schema_extra=ONE_TARGET)

    path: FilePath | None = None
    """Target path of a new file or version."""
    parent_id: Id | None = None
    """Folder that `path` starts from, the caller's own or a shared one; the caller's root by default."""
    create_folders: bool = True
    """Whether to create missing folders of `path`; otherwise 409 `no_parent_folder`."""
    file_id: Id | None = None
    """Instead of `path`: the file that gets a new version."""
    content_type: ContentType | None = None
    """Media type; by default that of the name's extension."""
    sha256: DeclaredSha256 | None = None
    """SHA-256 of the content; an upload with other bytes is refused."""
    base_version: Annotated[int, Field(ge=0, le=MAX_VERSION), WHOLE] | None = None
    """Version that the new one is based on: if it is no longer the current one at the end, that is a conflict."""
    on_conflict: Literal["copy", "fail"] = "copy"
    """At a conflict, store the content as a new file beside it, or fail with 409 `version_conflict`."""
    tags: Annotated[list[Tag], described(maxItems=MAX_TAGS)] = Field(default_factory=list)
    """Tags of a new file."""
    metadata: CustomMetadata | None = None
    """Custom metadata of the new version; without it, a file keeps what it has."""
    client_modified_at: FileTime | None = None
    """When the content was last changed at its source, such as a file's modification time; to the millisecond."""


class FileRequest(TargetRequest):
    """A file of `size` bytes."""

    size: Size
