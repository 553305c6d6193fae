"""Which contents a program can read from S3 by itself. Standard library only."""

from dataclasses import dataclass, field

from docstore_metadata.tree.rules import Node

MAX_NODES = 10_000
"""Files and folders that one request looks through."""
MAX_LISTED = 1000
"""Files that are left out, as listed."""


@dataclass(frozen=True, slots=True)
class StoreLocation:
    """Where clients find the objects."""

    endpoint: str
    region: str
    bucket: str


@dataclass(frozen=True, slots=True)
class ReadableObject:
    """A file whose content is an object of its own. `path`: from the requested folder on."""

    path: str
    node: Node


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that can't be read that way. `reason`: blocks, pack or archived."""

    path: str
    reason: str


@dataclass(slots=True)
class FolderContents:
    """What is in a folder."""

    objects: list[ReadableObject] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
