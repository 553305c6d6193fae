"""Rules of places, trash, commits, tags and preconditions."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.commits.rules import Outcome, decide
from docstore_metadata.errors import InvalidTags, NotFound, PreconditionFailed, VersionConflict
from docstore_metadata.tree.access import AccountReader, Action, authorize, check_precondition
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node, check_tags

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def node(node_id: str, parent_id: str | None, kind: Literal["file", "folder"] = "folder") -> Node:
    return Node(
        id=node_id,
        owner_id="ann",
        parent_id=parent_id,
        name=node_id,
        kind=kind,
        created_at=NOW,
        modified_at=NOW,
        modified_by="ann",
    )


ROOT, DOCS, FILE = node("ann", None), node("docs", "ann"), node("a.txt", "docs", "file")
PLACE = Place(FILE, (ROOT, DOCS))
IN_PLACE = [Action.READ, Action.WRITE, Action.DELETE]


def test_the_path_of_a_place_omits_the_roots_name() -> None:
    """It is never shown."""
    assert (PLACE.path, Place(ROOT, ()).path, Place(DOCS, (ROOT,)).path) == ("/docs/a.txt", "/", "/docs")


@pytest.mark.parametrize("action", list(Action))
def test_accounts_without_access_get_not_found(action: Action) -> None:
    """For any action, live or trashed, as for a missing node."""
    trashed = Place(replace(FILE, live=False, trashed_at=NOW), (ROOT, DOCS))
    for place in (PLACE, trashed, None):
        with pytest.raises(NotFound):
            authorize(AccountReader("bob"), place, action)


@pytest.mark.parametrize("action", IN_PLACE)
def test_trash_is_unreachable(action: Action) -> None:
    """The node itself, and what is below a trashed or deleted folder."""
    assert authorize(AccountReader("ann"), PLACE, action) is PLACE
    hidden = [
        Place(replace(FILE, live=False, trashed_at=NOW), (ROOT, DOCS)),
        Place(FILE, (ROOT, replace(DOCS, live=False, trashed_at=NOW))),
        Place(FILE, (DOCS,)),
        Place(FILE, ()),
    ]
    for place in hidden:
        with pytest.raises(NotFound):
            authorize(AccountReader("ann"), place, action)


@pytest.mark.parametrize("action", [Action.RESTORE, Action.PURGE])
def test_only_what_is_in_the_trash_itself_is_restored_or_purged(action: Action) -> None:
    """Not live nodes, nor those below a trashed folder, nor those that are being purged."""
    trashed = Place(replace(FILE, live=False, trashed_at=NOW), ())
    assert authorize(AccountReader("ann"), trashed, action) is trashed
    for place in (PLACE, Place(FILE, (ROOT, replace(DOCS, live=False))), Place(replace(FILE, live=False), ())):
        with pytest.raises(NotFound):
            authorize(AccountReader("ann"), place, action)


@given(st.lists(st.tuples(st.none() | st.integers(0, 6), st.sampled_from(["copy", "fail"])), max_size=30))
def test_at_most_one_commit_wins_on_each_base(
    commits: list[tuple[int | None, Literal["copy", "fail"]]],
) -> None:
    """Each is the next version, a copy, or refused; only a current base wins."""
    current: Node | None = None
    won: list[int] = []
    refused: list[tuple[int | None, int, str]] = []
    for base, on_conflict in commits:
        version = current.version if current else 0
        try:
            outcome = decide(current, base, on_conflict)
        except VersionConflict:
            refused.append((base, version, on_conflict))
            continue
        if outcome is Outcome.CONFLICTED_COPY:
            assert base not in (None, version)
            continue
        assert outcome is (Outcome.NEXT_VERSION if current else Outcome.CREATE)
        if base is not None:
            won.append(base)
        current = replace(FILE, version=version + 1)
    assert len(won) == len(set(won))
    assert all(base != version and on_conflict == "fail" for base, version, on_conflict in refused)


def test_tags_are_normalized() -> None:
    """Stripped, in NFC, without duplicates, in their order."""
    assert check_tags([" b ", "a", "b", "e\u0301"]) == ("b", "a", "é")


@pytest.mark.parametrize("tags", [[""], [" "], ["a\nb"], ["x" * 65], ["\ud800"], [str(n) for n in range(51)]])
def test_invalid_tags_are_refused(tags: list[str]) -> None:
    """Empty, unprintable, too long or too many."""
    with pytest.raises(InvalidTags):
        check_tags(tags)


@pytest.mark.parametrize("if_match", [None, "*", '"1"', 'W/"1"', "1", '"7", "1"'])
def test_a_matching_precondition_passes(if_match: str | None) -> None:
    """Absent, `*`, or naming the current state, also without quotes."""
    check_precondition(FILE, if_match)


def test_a_stale_precondition_is_refused() -> None:
    """Another state is 412."""
    with pytest.raises(PreconditionFailed):
        check_precondition(FILE, '"2"')
