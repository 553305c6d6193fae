"""Checks of requests for packs."""

from typing import Any

from pydantic import TypeAdapter

from docstore_contents.packs import MAX_SLICE_BYTES
from docstore_platform.errors import DomainError, invalid
from docstore_upload.lifecycle.validation import read_item, refuse_content, refuse_description, refuse_target
from docstore_upload.packs.schemas import PackFileRequest

_file: TypeAdapter[PackFileRequest] = TypeAdapter(PackFileRequest)


def read_file(item: Any) -> PackFileRequest | DomainError:
    """Parse one file of a pack; an error if it is invalid. Metadata checks the other rules of paths."""
    request = read_item(_file, item)
    if isinstance(request, DomainError):
        return request
    return refuse_target(request) or refuse_description(request) or _refuse_content(request) or request


def _refuse_content(request: PackFileRequest) -> DomainError | None:
    if request.size < 0:
        return invalid("size must be 0 or more bytes.", "invalid_size")
    if request.size > MAX_SLICE_BYTES:
        detail = f"A file in a pack has at most {MAX_SLICE_BYTES} bytes; upload this one by itself."
        return invalid(detail, "too_large_for_method")
    if request.content is not None:
        return refuse_content(request.content, request.size, request.sha256)
    if request.sha256 is None:
        return invalid("A file in a pack needs its sha256.", "invalid_sha256")
    return None
