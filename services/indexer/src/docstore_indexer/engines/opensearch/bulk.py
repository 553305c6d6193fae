"""Writes as lines of OpenSearch's bulk API, and what its responses mean."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from docstore_indexer.engines.engine import EngineFailed, IndexedDocument
from docstore_indexer.engines.opensearch.schema import to_document, version_of

BULK_BYTES = 8_000_000
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Change:
    """A document (None: its removal) in JSON, and the number that orders two writes."""

    version: int
    document: bytes | None


class IndexGone(EngineFailed):
    """The index of a write no longer exists."""


def change_of(document: IndexedDocument) -> Change:
    version = version_of(document.change, with_text=document.text is not None)
    return Change(version, orjson.dumps(to_document(document)))


def lines_of(index: str, changes: Mapping[str, Change], rule: str) -> Iterator[list[bytes]]:
    """Lines for the bulk API. `rule`: whether a document needs at least the stored version or a higher one."""
    for file_id, change in changes.items():
        action = "index" if change.document is not None else "delete"
        head = {action: {"_index": index, "_id": file_id, "version": change.version, "version_type": rule}}
        yield [orjson.dumps(head), *([change.document] if change.document is not None else [])]


def portions(items: Iterable[list[bytes]]) -> Iterator[list[bytes]]:
    """Split into requests of a size that a cluster accepts."""
    portion: list[bytes] = []
    size = 0
    for lines in items:
        portion += lines
        size += sum(map(len, lines))
        if size >= BULK_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def check(items: Iterable[dict[str, Any]]) -> None:
    """Ignore conflicts, which mean that something newer is stored. Raises EngineFailed for other errors."""
    for item in items:
        (result,) = item.values()
        error = result.get("error")
        if error and result["status"] != _CONFLICT:
            failure = IndexGone if error.get("type") == "index_not_found_exception" else EngineFailed
            raise failure(f"{result.get('_id')}: {error.get('type')}: {error.get('reason')}"[:1000])
