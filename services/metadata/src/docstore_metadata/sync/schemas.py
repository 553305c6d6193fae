"""Requests and responses of the routes by which a client catches up: snapshot, compare."""

from pydantic import Field

from docstore_metadata.tree.schemas import File
from docstore_platform.answers import Answer, Page
from docstore_platform.bodies import Body
from docstore_platform.values import MAX_PATH_CHARS, FilePath, Id, Sha256

MAX_ENTRIES = 10_000


class Compared(Body):
    path: FilePath = Field(max_length=MAX_PATH_CHARS)
    sha256: Sha256


class Comparison(Body):
    path: FilePath = Field("/", description="The folder that is compared.")
    parent_id: Id | None = Field(None, description="The folder that `path` starts from; none: the root.")
    entries: list[Compared] = Field(max_length=MAX_ENTRIES, fail_fast=True)


class Snapshot(Page[File]):
    """A page of everything one may read. It may be empty and not the last."""

    changes_cursor: str
    """Where the changes go on once the last page is read; the same on every page."""
    epoch: str
    """Another one than before: the server was restored from a backup, and may lack what a client knew to be here."""


class CompareResult(Answer):
    """How the files of a client differ from what is here."""

    newer: list[File]
    """At a path that was named, with other content than the client's."""
    missing: list[File]
    """Files below the folder that the client did not name: the first 1,000."""
    missing_truncated: bool
    """Whether there are more of them."""
    unknown: list[str]
    """Paths at which nothing is known to have been."""
    deleted: list[str]
    """Paths at which there was something, which is gone."""
    same: int
    """How many paths have the same content here."""
