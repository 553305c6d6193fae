"""Who may do what, which commit wins, which tags are tags."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.commits.rules import Outcome, decide
from docstore_metadata.errors import InvalidTags, NotFound, PreconditionFailed, VersionConflict
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.rules import Node, Place, check_tags
from docstore_metadata.tree.service import check_precondition

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


def test_a_place_knows_its_path() -> None:
    """The root's name does not show."""
    assert (PLACE.path, Place(ROOT, ()).path, Place(DOCS, (ROOT,)).path) == ("/docs/a.txt", "/", "/docs")


@pytest.mark.parametrize("action", list(Action))
def test_strangers_find_nothing(action: Action) -> None:
    """Whatever they want to do, live or trashed: NotFound, as for what does not exist."""
    trashed = Place(replace(FILE, live=False, trashed_at=NOW), (ROOT, DOCS))
    for place in (PLACE, trashed, None):
        with pytest.raises(NotFound):
            authorize("bob", place, action)


@pytest.mark.parametrize("action", IN_PLACE)
def test_what_is_in_the_trash_can_not_be_reached(action: Action) -> None:
    """Neither itself, nor below a trashed folder, nor below one that is gone."""
    assert authorize("ann", PLACE, action) is PLACE
    hidden = [
        Place(replace(FILE, live=False, trashed_at=NOW), (ROOT, DOCS)),
        Place(FILE, (ROOT, replace(DOCS, live=False, trashed_at=NOW))),
        Place(FILE, (DOCS,)),
        Place(FILE, ()),
    ]
    for place in hidden:
        with pytest.raises(NotFound):
            authorize("ann", place, action)


@pytest.mark.parametrize("action", [Action.RESTORE, Action.PURGE])
def test_only_what_is_in_the_trash_itself_is_restored_or_purged(action: Action) -> None:
    """Not what is live, not what is merely below a trashed folder, not what is being purged."""
    trashed = Place(replace(FILE, live=False, trashed_at=NOW), ())
    assert authorize("ann", trashed, action) is trashed
    for place in (PLACE, Place(FILE, (ROOT, replace(DOCS, live=False))), Place(replace(FILE, live=False), ())):
        with pytest.raises(NotFound):
            authorize("ann", place, action)


@given(st.lists(st.tuples(st.none() | st.integers(0, 6), st.sampled_from(["copy", "fail"])), max_size=30))
def test_of_the_commits_on_one_base_one_wins_and_none_is_lost(
    commits: list[tuple[int | None, Literal["copy", "fail"]]],
) -> None:
    """Each commit is the next version, a copy, or refused; at most one wins on each base, and only a current one."""
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


def test_tags_are_cleaned() -> None:
    """Trimmed, in NFC, without doubles, in their order."""
    assert check_tags([" b ", "a", "b", "e\u0301"]) == ("b", "a", "é")


@pytest.mark.parametrize("tags", [[""], [" "], ["a\nb"], ["x" * 65], ["\ud800"], [str(n) for n in range(51)]])
def test_tags_that_are_none(tags: list[str]) -> None:
    """Empty, unprintable, too long or too many."""
    with pytest.raises(InvalidTags):
        check_tags(tags)


@pytest.mark.parametrize("if_match", [None, "*", '"1"', 'W/"1"', "1", '"7", "1"'])
def test_a_precondition_that_holds(if_match: str | None) -> None:
    """Absent, any, or naming the present state, also without quotes."""
    check_precondition(FILE, if_match)


def test_a_precondition_that_does_not_hold() -> None:
    """Another state is refused with 412."""
    with pytest.raises(PreconditionFailed):
        check_precondition(FILE, '"2"')
