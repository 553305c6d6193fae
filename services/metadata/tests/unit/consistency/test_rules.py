"""What is taken for an inconsistency of the tree, and what is not."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from docstore_metadata.consistency.rules import node_inconsistencies, object_inconsistency
from docstore_metadata.sharing.rules import Share
from docstore_metadata.tree.rules import Node, Version

AT = datetime(2026, 11, 25, tzinfo=UTC)
FOLDER = Node(
    id="ada", owner_id="ada", parent_id=None, name="", kind="folder", created_at=AT, modified_at=AT, modified_by="ada"
)
FILE = replace(
    FOLDER, id="f", parent_id="ada", name="a.txt", kind="file", version=2, object_key="k2", size=5, sha256="aa"
)
CURRENT = Version(
    node_id="f",
    owner_id="ada",
    number=2,
    object_key="k2",
    size=5,
    sha256="aa",
    content_type="text/plain",
    created_at=AT,
    created_by="ada",
)
SHARE = Share(id="s", node_id="f", owner_id="ada", email="b@example.org", email_key="b", role="viewer", created_at=AT)


def kinds(
    node: Node = FILE, parent: Node | None = FOLDER, current: Version | None = CURRENT, *shares: Share
) -> list[str]:
    return [problem.kind for problem in node_inconsistencies(node, parent, current, shares)]


def test_a_file_that_fits_has_none() -> None:
    """Neither has a folder, nor a file with an invitation that nobody has accepted."""
    assert kinds() == kinds(replace(FILE, kind="folder"), FOLDER, None) == kinds(FILE, FOLDER, CURRENT, SHARE) == []


def test_a_node_needs_a_folder_and_its_version() -> None:
    """A file above it is none, and a version with another content is another."""
    assert kinds(FILE, None, None) == ["parent_missing", "version_missing"]
    assert kinds(FILE, replace(FILE, id="ada"), replace(CURRENT, sha256="bb")) == ["parent_missing", "version_differs"]


def test_trash_outlives_the_folder_it_was_in() -> None:
    """A file that was deleted before its folder stays in the trash without it."""
    assert kinds(replace(FILE, live=False), None) == []


@pytest.mark.parametrize(
    ("applied", "account", "expected"),
    [
        ({"grace": "viewer"}, "grace", []),
        ({}, "grace", ["shares_not_applied"]),
        ({"grace": "editor"}, "grace", ["shares_not_applied"]),
        ({"grace": "viewer"}, None, ["shares_not_applied"]),
    ],
)
def test_readers_are_those_of_accepted_shares(
    applied: dict[str, str], account: str | None, expected: list[str]
) -> None:
    """Of accepted ones: nobody reads it without, and everybody by theirs."""
    node = replace(FILE, shared_with=applied)
    assert kinds(node, FOLDER, CURRENT, replace(SHARE, account_id=account)) == expected


def test_only_whole_objects_have_the_size_of_their_version() -> None:
    """Those of block lists and packs have others."""
    assert object_inconsistency(CURRENT, 5, whole=True) is None
    assert object_inconsistency(CURRENT, 900, whole=False) is None
    assert [
        problem.kind
        for problem in (object_inconsistency(CURRENT, 4, whole=True), object_inconsistency(CURRENT, None, whole=False))
        if problem
    ] == ["size_differs", "object_missing"]
