"""Checks that requests for uploads and packs share."""

import hashlib
import unicodedata
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from docstore_platform.errors import DomainError, invalid
from docstore_platform.http.problems import MAX_MESSAGE_CHARS, field_place, validation_code
from docstore_upload.lifecycle.content_types import CONTENT_TYPE, SHA256
from docstore_upload.lifecycle.rules import Mismatch
from docstore_upload.lifecycle.schemas import MAX_TAG_BYTES, MAX_TAGS, TargetRequest

R = TypeVar("R")


def read_item(adapter: TypeAdapter[R], item: Any) -> R | DomainError:
    """Parse one item of a batch; an error if it is invalid."""
    try:
        return adapter.validate_python(item)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        first = errors[0]
        detail = f"{field_place(first['loc']) or 'item'}: {first['msg'][:MAX_MESSAGE_CHARS]}"
        return invalid(detail, validation_code(errors))


def refuse_target(request: TargetRequest) -> DomainError | None:
    """Check that it names exactly one target."""
    if (request.path is None) == (request.file_id is None):
        return invalid("Give either path or file_id.")
    if request.parent_id is not None and request.path is None:
        return invalid("parent_id needs a path, which starts from it.")
    if request.path is not None and not _is_unicode(request.path):
        return invalid("path is not Unicode text.", "invalid_path")
    return None


def _is_unicode(text: str) -> bool:
    """Whether it can be encoded: JSON can spell half of a surrogate pair."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def refuse_content(content: bytes, size: int | None, sha256: str | None) -> DomainError | None:
    """Check that a content in the request is the declared one."""
    if size != len(content):
        return invalid(f"content has {len(content)} bytes, not as many as size says.", "invalid_size")
    if sha256 is not None and sha256.lower() != hashlib.sha256(content).hexdigest():
        return Mismatch("The SHA-256 of content is not the one declared.")
    return None


def refuse_description(request: TargetRequest) -> DomainError | None:
    if request.content_type is not None and not CONTENT_TYPE.fullmatch(request.content_type):
        return invalid("content_type is not a media type.", "invalid_content_type")
    if request.sha256 is not None and not SHA256.fullmatch(request.sha256.lower()):
        return invalid("sha256 must be 64 hex digits.", "invalid_sha256")
    return _refuse_tags(request.tags)


def _refuse_tags(tags: list[str]) -> DomainError | None:
    """Check metadata's rule before any bytes are sent."""
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
