"""Requests and responses of snapshot and compare."""

from pydantic import Field

from docstore_metadata.tree.views.schemas import File
from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import Page, ResponseModel
from docstore_platform.http.values import MAX_PATH_CHARS, FilePath, Id, Sha256

MAX_ENTRIES = 10_000


class Compared(RequestModel):
    path: FilePath = Field(max_length=MAX_PATH_CHARS)
    sha256: Sha256
    """SHA-256 of the local content."""


class Comparison(RequestModel):
    path: FilePath = Field("/", description="The folder that is compared.")
    parent_id: Id | None = Field(None, description="The folder that `path` starts from; none: the root.")
    entries: list[Compared] = Field(max_length=MAX_ENTRIES, fail_fast=True)
    """The local files."""


class Snapshot(Page[File]):
    """A page of everything that the caller may read. It may be empty without being the last."""

    changes_cursor: str
    """Where to continue with the changes after the last page; the same on every page."""
    epoch: str
    """If it differs from before, the server was restored from a backup, and may lack files that a client knows."""


class CompareResult(ResponseModel):
    """How a client's files differ from those of the service."""

    newer: list[File]
    """At a listed path, with other content than the client's."""
    missing: list[File]
    """Files below the folder that the client did not list: the first 1,000."""
    missing_truncated: bool
    """Whether there are more."""
    unknown: list[str]
    """Paths without any record."""
    deleted: list[str]
    """Paths of deleted or moved files."""
    same: int
    """Number of paths with the same content."""
