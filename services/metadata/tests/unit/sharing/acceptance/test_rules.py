"""What becomes of a share: the rules by themselves."""

from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.sharing.acceptance.rules import Relation, admission

RELATIONS = st.builds(
    Relation,
    blocked=st.booleans(),
    standing=st.sampled_from([None, "accepted", "declined"]),
    acquainted=st.booleans(),
    acceptance=st.sampled_from(["automatic", "ask"]),
)


@given(RELATIONS)
def test_only_the_blocked_are_hidden(relation: Relation) -> None:
    """Whatever else is known, a share by somebody blocked stays unseen, and no other does."""
    assert (admission(relation) == "hidden") == relation.blocked


@given(RELATIONS)
def test_the_last_decision_holds(relation: Relation) -> None:
    """After a decline the next share waits, after an accepted one it is there at once, whatever the setting is."""
    if not relation.blocked and relation.standing is not None:
        assert admission(relation) == ("active" if relation.standing == "accepted" else "invited")


def test_strangers_wait_only_where_the_account_wants_to_be_asked() -> None:
    """Somebody with whom there is a share already is no stranger."""
    assert admission(Relation()) == "active"
    assert admission(Relation(acceptance="ask")) == "invited"
    assert admission(Relation(acceptance="ask", acquainted=True)) == "active"
