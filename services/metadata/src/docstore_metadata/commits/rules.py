"""Rules of commits: which one wins a conflict, and which may share a transaction. Standard library only."""

from collections.abc import Container, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Literal

from docstore_metadata.errors import VersionConflict
from docstore_metadata.tree.rules import CustomMetadata, Node

OnConflict = Literal["copy", "fail"]


class Outcome(Enum):
    CREATE = auto()
    NEXT_VERSION = auto()
    CONFLICTED_COPY = auto()


def decide(current: Node | None, base_version: int | None, on_conflict: OnConflict) -> Outcome:
    """Decide the outcome of a commit: a conflict unless its base is the current version (0: there is no file)."""
    current_version = current.version if current else 0
    if base_version is None or base_version == current_version:
        return Outcome.NEXT_VERSION if current else Outcome.CREATE
    if on_conflict == "fail":
        raise VersionConflict(current_version)
    return Outcome.CONFLICTED_COPY


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadIntent:
    """A write to a path or to a file, by one account. Exactly one of `path` and `file_id` is given."""

    account_id: str
    folder_id: str = ""
    """Folder that the account's API token is limited to; empty: none."""
    path: str | None = None
    parent_id: str | None = None
    """The folder that the path starts from; the account's root if there is none."""
    create_folders: bool = True
    """Whether missing folders of the path are created."""
    file_id: str | None = None
    base_version: int | None = None
    on_conflict: OnConflict = "copy"
    lock_tokens: Container[str] = ()
    """Locks that the account names as its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(UploadIntent):
    """An uploaded object that is to become a version. Size in bytes."""

    upload_id: str
    device: str = ""
    link_id: str = ""
    """Link for editing by which a visitor has sent it; it must still exist. Empty: none."""
    size: int
    content_type: str
    sha256: str
    object_key: str
    tags: tuple[str, ...] = ()
    metadata: CustomMetadata | None = None
    """None: a new version has what the file has."""
    client_modified_at: datetime | None = None
    uploaded_at: datetime
    context: Context = field(default_factory=copy_context, compare=False)
    """The request's context: its events belong to its trace, also when requests are committed together."""

    @property
    def by_link(self) -> str:
        """What histories call the visitor who has sent it; empty for the account itself."""
        return self.device if self.link_id else ""


def independent_rounds(commits: Sequence[Commit]) -> list[list[int]]:
    """Positions of `commits` in rounds, which are committed one after the other.

    Within a round no two share an upload, a path or a file, and no path of one is a folder of another.
    """
    rounds: list[list[int]] = []
    waiting = list(range(len(commits)))
    while waiting:
        taken: set[str] = set()
        folders: set[str] = set()
        batch: list[int] = []
        later: list[int] = []
        for position in waiting:
            commit = commits[position]
            start = commit.parent_id or commit.account_id
            goal = f"{start}{commit.path}" if commit.path is not None else f"id:{commit.file_id}"
            above = {start + folder for folder in _folders(commit.path or "")}
            clashes = goal in taken or goal in folders or commit.upload_id in taken or not taken.isdisjoint(above)
            (later if clashes else batch).append(position)
            taken |= {goal, commit.upload_id}
            folders |= above
        rounds.append(batch)
        waiting = later
    return rounds


def _folders(path: str) -> set[str]:
    return {path[:end] for end, char in enumerate(path) if char == "/" and end}
