"""Properties of `authorize`, over randomly shared folders."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.errors import LimitedToFolder, NotFound, OwnerOnly, ReadOnly, WatermarkedOnly
from docstore_metadata.tree.access import IN_TRASH, AccountReader, Action, authorize
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node, SharedWith, ShareRole
from docstore_platform.errors import DomainError

NOW = datetime(2026, 11, 21, tzinfo=UTC)
READERS = ("bob", "cat", "dan")
RANK = {None: 0, "viewer": 1, "editor": 2, "owner": 3}
ROLES: st.SearchStrategy[ShareRole] = st.sampled_from(("viewer", "editor"))
SHARED_WITH = st.dictionaries(st.sampled_from(READERS), ROLES)
CHAINS = st.lists(SHARED_WITH, min_size=1, max_size=6)
"""Whom each node from the root's child down is shared with."""


def place_of(chain: list[dict[str, ShareRole]], dead: int | None = None, inserter: str = "ann") -> Place:
    """Nested nodes of ann; the one at `dead` is in the trash; `inserter` inserted the last one."""
    nodes = [_node("ann", None, {})]
    for depth, shared_with in enumerate(chain):
        node = _node(f"n{depth}", nodes[-1].id, shared_with)
        nodes.append(replace(node, live=False, trashed_at=NOW) if depth == dead else node)
    return Place(replace(nodes[-1], modified_by=inserter), tuple(nodes[:-1]))


def _node(name: str, parent_id: str | None, shared_with: SharedWith) -> Node:
    return Node(
        id=name,
        owner_id="ann",
        parent_id=parent_id,
        name=name,
        kind="folder",
        created_at=NOW,
        modified_at=NOW,
        modified_by="ann",
        shared_with=shared_with,
    )


def outcome(account_id: str, place: Place, action: Action, folder_id: str = "") -> type[DomainError] | None:
    try:
        authorize(AccountReader(account_id, folder_id), place, action)
    except DomainError as refusal:
        return type(refusal)
    return None


@given(chain=CHAINS, account_id=st.sampled_from((*READERS, "ann", "eve")))
def test_the_highest_role_on_the_way_is_the_permission(chain: list[dict[str, ShareRole]], account_id: str) -> None:
    """Of the node and the folders above it; exactly the accounts with a permission are readers."""
    place = place_of(chain)
    roles = [RANK[shared_with.get(account_id)] for shared_with in chain]
    expected = 3 if account_id == "ann" else max(roles)
    assert RANK[place.permission_of(account_id)] == expected
    ranks = [RANK[place_of(chain[: depth + 1]).permission_of(account_id)] for depth in range(len(chain))]
    assert ranks == sorted(ranks)
    assert (account_id in place.readers) == (expected > 0 and account_id != "ann")
    if expected:
        assert place.as_seen_by(account_id).permission == place.permission_of(account_id)


@given(
    chain=CHAINS,
    account_id=st.sampled_from((*READERS, "ann", "eve")),
    inserter=st.sampled_from(READERS),
    action=st.sampled_from(Action),
)
def test_what_each_permission_allows(
    chain: list[dict[str, ShareRole]], account_id: str, inserter: str, action: Action
) -> None:
    """The table of permissions; moving a node requires an editor of a folder above it; deleting, who inserted it, too.
    A view shows whether its reader may delete it."""
    place = place_of(chain, inserter=inserter)
    permission = place.permission_of(account_id)
    above = "editor" in [shared_with.get(account_id) for shared_with in chain[:-1]]
    assert place.may_be_written_beside_by(account_id) == (above or account_id == "ann")
    expected: type[DomainError] | None
    if permission is None or action in (Action.RESTORE, Action.PURGE):  # it is not in the trash
        expected = NotFound
    elif permission == "owner" or action in (Action.READ, Action.DOWNLOAD):
        expected = None
    elif permission == "viewer":
        expected = ReadOnly
    else:
        deletes = action is Action.DELETE and inserter == account_id
        allowed = action is Action.WRITE or (above and (action is Action.MOVE or deletes))
        expected = None if allowed else OwnerOnly
    assert outcome(account_id, place, action) is expected
    if permission is not None and action is Action.DELETE:
        assert place.as_seen_by(account_id).can_delete == (expected is None)
        folder = Place(place.ancestors[-1], place.ancestors[:-1])
        if folder.permission_of(account_id) is not None:
            assert folder.as_seen_by(account_id).child(place.node, account_id).can_delete == (expected is None)


@given(
    chain=CHAINS,
    account_id=st.sampled_from((*READERS, "ann", "eve")),
    action=st.sampled_from(Action),
    dead=st.integers(0, 5),
)
def test_only_the_owner_restores_and_purges(
    chain: list[dict[str, ShareRole]], account_id: str, action: Action, dead: int
) -> None:
    """And only what was put there itself; nothing else in the trash or below is accessible."""
    dead = min(dead, len(chain) - 1)
    place = place_of(chain, dead)
    itself = dead == len(chain) - 1
    may = account_id == "ann" and itself and action in (Action.RESTORE, Action.PURGE)
    assert outcome(account_id, place, action) is (None if may else NotFound)


@given(chain=CHAINS, account_id=st.sampled_from(READERS))
def test_revoking_shares_affects_only_their_recipient(chain: list[dict[str, ShareRole]], account_id: str) -> None:
    """All others keep their permissions."""
    before = place_of(chain)
    after = place_of([{who: role for who, role in node.items() if who != account_id} for node in chain])
    for other in (*READERS, "ann", "eve"):
        expected = None if other == account_id else before.permission_of(other)
        assert after.permission_of(other) == expected
        if expected in ("viewer", "editor"):
            assert after.as_seen_by(other).path == before.as_seen_by(other).path


@given(marks=st.lists(st.none() | st.sampled_from(("", "x", "{}")), min_size=1, max_size=5))
def test_the_original_is_for_those_who_have_one_share_without_watermark(marks: list[str | None]) -> None:
    """At any level; all others see the text of the nearest share, of what is listed in a folder too."""
    nodes = [_node("ann", None, {})]
    for depth, mark in enumerate(marks):
        texts = {} if mark is None else {"bob": mark, "eve": "not shared with her any more"}
        shared = replace(_node(f"n{depth}", nodes[-1].id, {"bob": "viewer"}), watermarks=texts)
        nodes += [shared, _node(f"below {depth}", shared.id, {"cat": "viewer"})]
    for depth in range(1, len(nodes)):
        place, passed = Place(nodes[depth], tuple(nodes[:depth])), marks[: (depth + 1) // 2]
        expected = None if None in passed else passed[-1]
        assert place.watermark_for("bob") == place.as_seen_by("bob").watermark == expected
        assert outcome("bob", place, Action.DOWNLOAD) is (None if expected is None else WatermarkedOnly)
        assert outcome("bob", place, Action.READ) is None
        assert (place.watermark_for("ann"), outcome("ann", place, Action.DOWNLOAD)) == (None, None)
        if depth > 1:
            above = Place(nodes[depth - 1], tuple(nodes[: depth - 1]))
            assert above.as_seen_by("bob").child(nodes[depth], "bob").watermark == expected


@given(
    chain=CHAINS,
    account_id=st.sampled_from((*READERS, "ann", "eve")),
    action=st.sampled_from(Action),
    limit=st.sampled_from(("ann", "n0", "n1", "n2", "elsewhere")),
)
def test_outside_its_folder_nothing_exists_for_a_limited_reader(
    chain: list[dict[str, ShareRole]], account_id: str, action: Action, limit: str
) -> None:
    """Inside it may do what the account may, but not move or delete the folder itself."""
    place = place_of(chain)
    within = limit == "ann" or limit in {f"n{depth}" for depth in range(len(chain))}
    unlimited = outcome(account_id, place, action)
    limited = outcome(account_id, place, action, limit)
    if not within:
        assert limited is NotFound
    elif limit == place.node.id and action in (Action.MOVE, Action.DELETE):
        assert limited is (NotFound if unlimited is NotFound else LimitedToFolder) or unlimited is ReadOnly
    else:
        assert limited is unlimited


@pytest.mark.parametrize("action", sorted(IN_TRASH, key=lambda action: action.name))
def test_a_limited_reader_cannot_restore_its_folder(action: Action) -> None:
    """Its owner put it into the trash; what is in the trash of the folder itself may be restored."""
    place = place_of([{}, {}], dead=1)
    assert outcome("ann", place, action, "n1") is LimitedToFolder
    assert outcome("ann", place, action, "n0") is None


def test_a_missing_node_looks_like_a_foreign_one() -> None:
    """NotFound for both."""
    with pytest.raises(NotFound):
        authorize(AccountReader("ann"), None, Action.READ)
