"""Rules of packs: many small files sent as one object, and which of them are still live.

A pack has the states of an upload. From its claim on it knows its live slices. A slice that no version refers to any
more is dropped, and none is ever added. So any rewrite of the object that keeps the slices that were live when it began
keeps all that are live when it ends: concurrent or interrupted rewrites lose nothing.
"""

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NotRequired, TypedDict

import orjson

from docstore_contents.packs import (
    MAX_INDEX_BYTES,
    Slice,
    index_bytes,
    layout,
    pack_key,
    read_index,
    slice_key,
)
from docstore_upload.lifecycle.rules import Measure, Mismatch, OnConflict, Transfer

Json = dict[str, Any]
COMPACT_ABOVE = 4 << 10
"""Smaller packs are not compacted for deleted files: these take no more than the records of a file elsewhere."""


class PackFile(TypedDict):
    """A file of a pack as declared; `sha256` in hex, `size` in bytes."""

    path: str | None
    parent_id: str | None
    create_folders: NotRequired[bool]
    """Absent in packs that were declared before this field existed."""
    file_id: str | None
    size: int
    sha256: str
    content_type: str
    base_version: int | None
    on_conflict: OnConflict
    tags: list[str]
    metadata: NotRequired[dict[str, str] | None]
    client_modified_at: NotRequired[str | None]
    """Absent in packs that were declared before this field existed."""


@dataclass(frozen=True, kw_only=True)
class Pack(Transfer):
    """A stored pack; `path` is the common folder of its files, in the uploader's tree.

    A file's number is its index in the request; refused files leave gaps.
    """

    numbers: tuple[int, ...]
    """Numbers of its files, in the order of their slices."""
    sizes: tuple[int, ...]
    """Declared bytes of each slice, in that order."""
    declared: bytes | None = None
    """JSON of the PackFiles, in that order; None once forgotten."""
    notify: bool = True
    """Whether to notify the uploader once it is complete."""
    wrong: tuple[int, ...] = ()
    """Slices that are not as declared."""
    live: tuple[int, ...] = ()
    """Slices that a version may refer to."""
    releases: int = 0
    """How often slices were released; shows that a pack has changed since it was read."""
    object_bytes: int = 0
    """Size of the whole object as stored now."""
    answers: bytes | None = None
    """JSON of the result of each file, in that order."""
    refused: tuple[int, ...] = ()
    """Files that were refused."""
    file_event_ids: tuple[str, ...] = ()

    @property
    def measure(self) -> Measure:
        return Measure("pack", len(self.numbers), self.size)

    @property
    def result(self) -> bytes | None:
        return None if self.answers is None else _with_metadata(self.answers)

    @property
    def file_events(self) -> tuple[str, ...]:
        return self.file_event_ids

    @property
    def object_key(self) -> str:
        return pack_key(self.account_id, self.id)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes)

    def key_of(self, number: int) -> str:
        """Object key of the version whose content is this slice."""
        return slice_key(self.object_key, number)

    def files(self) -> dict[int, PackFile]:
        """The declared files, by number."""
        return dict(zip(self.numbers, orjson.loads(self.declared or b"[]"), strict=True))

    def slices(self) -> list[Slice]:
        """Slices as a client sends them: in order, back to back."""
        offsets = layout(self.sizes)
        return [Slice(*each) for each in zip(self.numbers, offsets, self.sizes, strict=True)]

    def sent_bytes(self) -> int:
        """Size of the whole object as a client sends it, index included."""
        return self.size + len(index_bytes(self.slices()))

    def rewritten_bytes(self) -> int:
        """Size of the object that a rewrite leaves, index included."""
        numbers = set(self.live)
        live = [each for each in self.slices() if each.number in numbers]
        return sum(each.size for each in live) + len(index_bytes(live))

    def needs_rewrite(self) -> bool:
        """Whether a rewrite frees bytes that no one is charged for, or more than it keeps."""
        is_mostly_dead = self.object_bytes > COMPACT_ABOVE and 2 * self.rewritten_bytes() < self.object_bytes
        return is_mostly_dead or self._holds_refused()

    def _holds_refused(self) -> bool:
        """Whether it is as it was sent, with bytes of refused files: their reservations have ended."""
        sizes = dict(zip(self.numbers, self.sizes, strict=True))
        return any(sizes[number] for number in self.refused) and self.object_bytes == self.sent_bytes()


def _with_metadata(answers: bytes) -> bytes:
    """Return answers whose files have custom metadata, which those of earlier releases do not have."""
    if b'"metadata":{' in answers:
        return answers
    items = orjson.loads(answers)
    for item in items:
        if "file" in item:
            item["file"]["metadata"] = {}
    return orjson.dumps(items)


def wrong_slices(pack: Pack, content: bytes) -> list[int]:
    """Return the numbers of slices that are not as declared; Mismatch if it is no pack of slices of these sizes."""
    slices, files = pack.slices(), pack.files()
    index = index_bytes(slices)
    if len(content) != pack.size + len(index) or not content.endswith(index):
        raise Mismatch("What was sent is not a pack of the declared files.")
    view = memoryview(content)
    found = {each.number: sha256(view[each.offset : each.offset + each.size]).hexdigest() for each in slices}
    return [number for number, digest in found.items() if digest != files[number]["sha256"]]


def compacted(content: bytes, live: Collection[int]) -> bytes:
    """Return a pack of the live slices only, with their numbers. ValueError if `content` lacks one of them."""
    index = read_index(content[-MAX_INDEX_BYTES:], len(content))
    lost = [number for number in live if number not in index]
    if lost:
        raise ValueError(f"slices {lost} are not in the pack")
    kept = [index[number] for number in sorted(live)]
    offsets = layout([old.size for old in kept])
    moved = [Slice(old.number, offset, old.size) for old, offset in zip(kept, offsets, strict=True)]
    return b"".join(content[old.offset : old.offset + old.size] for old in kept) + index_bytes(moved)


def common_folder(paths: Sequence[str]) -> str:
    """Return the folder that contains all of `paths`; of a single one the path itself."""
    return paths[0] if len(paths) == 1 else posixpath.commonpath([path.rpartition("/")[0] or "/" for path in paths])
