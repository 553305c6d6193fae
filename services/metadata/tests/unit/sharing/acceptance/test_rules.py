"""Rules of the admission of a share."""

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
def test_only_shares_of_blocked_senders_are_hidden(relation: Relation) -> None:
    """Whatever else is known of them."""
    assert (admission(relation) == "hidden") == relation.blocked


@given(RELATIONS)
def test_the_last_decision_determines_the_admission(relation: Relation) -> None:
    """After a decline the next share waits, after an acceptance it is active, whatever the setting is."""
    if not relation.blocked and relation.standing is not None:
        assert admission(relation) == ("active" if relation.standing == "accepted" else "invited")


def test_shares_of_unknown_senders_wait_only_if_the_account_asks() -> None:
    """A sender with an active share is known."""
    assert admission(Relation()) == "active"
    assert admission(Relation(acceptance="ask")) == "invited"
    assert admission(Relation(acceptance="ask", acquainted=True)) == "active"
