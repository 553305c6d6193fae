"""Checks of requests for upload sessions."""

from typing import Any

from pydantic import TypeAdapter

from docstore_contents.block_list import MAX_BLOCK_BYTES, MAX_BLOCKS
from docstore_platform.domain.custom_metadata import INVALID_METADATA, check_names
from docstore_platform.errors import DomainError, Invalid, invalid
from docstore_upload.lifecycle.rules import MAX_SIZE, MIB
from docstore_upload.lifecycle.validation import read_item, refuse_content, refuse_description, refuse_target
from docstore_upload.sessions.rules import (
    MAX_PARTS,
    MAX_SINGLE_REQUEST,
    MIN_PART,
    Method,
    method_limit,
    part_count,
)
from docstore_upload.sessions.schemas import METHODS, BatchCompleteItem, InitiateRequest

_initiate: TypeAdapter[InitiateRequest] = TypeAdapter(InitiateRequest)
_complete_item: TypeAdapter[BatchCompleteItem] = TypeAdapter(BatchCompleteItem)


def read_initiate(item: Any) -> InitiateRequest | DomainError:
    """Parse one item of a batch; an error if it is invalid."""
    return read_item(_initiate, item)


def read_complete_item(item: Any) -> BatchCompleteItem | DomainError:
    """Parse one item of a batch: `{id, parts?, blocks?}`, or just the id."""
    return read_item(_complete_item, {"id": item} if isinstance(item, str) else item)


def refuse_initiate(request: InitiateRequest, open_form_bytes: int) -> DomainError | None:
    """Return the rule that this request breaks, if any. Metadata checks the other rules of paths.

    `open_form_bytes`: the largest `max_size` of a form.
    """
    if request.method not in METHODS:
        return invalid(f"method must be one of {', '.join(METHODS)}.", "unsupported_method")
    if request.method == "blocks" and request.sha256 is None:
        return invalid("An upload in blocks needs its sha256.", "invalid_sha256")
    return (
        refuse_target(request)
        or _refuse_sizes(request, open_form_bytes)
        or refuse_description(request)
        or _refuse_metadata_fields(request)
        or _refuse_part_size(request)
        or _refuse_content(request)
    )


def _refuse_content(request: InitiateRequest) -> DomainError | None:
    if request.content is None:
        return None
    if request.method != "put":
        return invalid("Only an upload by put may come with its content.", "invalid_content")
    return refuse_content(request.content, request.size, request.sha256)


def _refuse_metadata_fields(request: InitiateRequest) -> DomainError | None:
    if request.metadata_fields is None:
        return None
    if request.method != "form":
        return invalid("Only a form has metadata_fields.", INVALID_METADATA)
    try:
        check_names([*request.metadata_fields, *(request.metadata or ())])
    except Invalid as error:
        return error
    return None


def _refuse_part_size(request: InitiateRequest) -> DomainError | None:
    size = request.part_size
    if size is None:
        return None
    if request.method != "multipart":
        return invalid("Only a multipart upload has a part_size.", "invalid_parts")
    if not MIN_PART <= size <= MAX_SINGLE_REQUEST or part_count(request.most, size) > MAX_PARTS:
        detail = f"part_size must be {MIN_PART} to {MAX_SINGLE_REQUEST} bytes, in at most {MAX_PARTS} parts."
        return invalid(detail, "invalid_parts")
    return None


def _refuse_sizes(request: InitiateRequest, open_form_bytes: int) -> DomainError | None:
    if request.size is not None and request.max_size is None:
        return _refuse_size(request.size, request.method)  # type: ignore[arg-type]
    if request.max_size is None or request.size is not None:
        return invalid("size is required; a form may have max_size instead.")
    if request.method != "form":
        return invalid("Only a form may have max_size instead of size.")
    if not 1 <= request.max_size <= open_form_bytes:
        return invalid(f"max_size must be 1 to {open_form_bytes} bytes.", "invalid_size")
    return None


def _refuse_size(size: int, method: Method) -> DomainError | None:
    if not 0 <= size <= MAX_SIZE:
        return invalid(f"size must be 0 to {MAX_SIZE} bytes.", "invalid_size")
    limit = MAX_BLOCKS * MAX_BLOCK_BYTES if method == "blocks" else method_limit(method)
    if size > limit:
        detail = f"{method} can send at most {limit // MIB} MiB; use multipart."
        return invalid(detail, "too_large_for_method")
    return None
