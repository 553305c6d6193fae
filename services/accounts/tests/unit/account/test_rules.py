"""Rules of accounts, whatever is put in."""

import unicodedata
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_accounts.account.rules import (
    MAX_NAME_CHARS,
    Account,
    Change,
    clean_email,
    clean_name,
    email_key,
    steps,
)
from docstore_platform.errors import Invalid

ACCOUNT = Account("a", "a@b.c", "A", "free", "user", "active", "eu-north-1", datetime(2026, 11, 21, tzinfo=UTC), 1)
changes = st.builds(
    Change,
    display_name=st.none() | st.sampled_from(["A", "B"]),
    plan=st.none() | st.sampled_from(["free", "premium"]),
    role=st.none() | st.sampled_from(["user", "admin"]),
    status=st.none() | st.sampled_from(["active", "suspended"]),
)


@pytest.mark.parametrize(
    "email", ["ann@example.org", " Ann@Example.ORG ", "a.b+c'd@x", "jose@b\u00fccher.example", "x@a-b.c_d.e"]
)
def test_addresses_people_have_are_accepted(email: str) -> None:
    """Plus signs, apostrophes, domains of other scripts and stray blanks around are no reason to refuse."""
    assert clean_email(email) == email.strip()


@pytest.mark.parametrize(
    "email",
    [
        *("", "ann", "@x.y", "ann@", "a b@x.y", "a@b@c", ".a@x.y", "a..b@x.y", "a@x..y", "a@-x.y", "a@x-"),
        *("a@x.y\r\nBcc: b@x.y", "a\x00@x.y", "a\u200b@x.y", "a\u202e@x.y", "a@x.y,b@x.y", "A <a@x.y>", '"a"@x.y'),
        *("a" * 65 + "@x.y", "a@" + "x" * 64, "a@" + "x." * 130 + "y"),
    ],
)
def test_invalid_addresses_are_refused(email: str) -> None:
    """Nothing that a mail server would refuse, or that smuggles a header or an invisible character, is kept."""
    with pytest.raises(Invalid) as refused:
        clean_email(email)
    assert refused.value.code == "invalid_email"


def test_a_local_part_that_can_not_be_mailed_to_is_refused_in_words() -> None:
    """A sign-up with one fails at once with the reason, instead of never getting a mail."""
    with pytest.raises(Invalid, match="ASCII") as refused:
        clean_email("jos\u00e9@example.org")
    assert refused.value.code == "invalid_email"


@given(st.text(max_size=40))
def test_the_key_of_an_address_is_stable(text: str) -> None:
    """The key of a key is itself, and Unicode forms and upper case of ASCII make no difference."""
    key = email_key(text)
    assert email_key(key) == key
    assert email_key(unicodedata.normalize("NFD", text)) == key
    assert email_key("ANN" + text) == email_key("ann" + text)


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_address_is_refused_or_kept_as_it_is_read_again(local: str, domain: str) -> None:
    """Cleaning never fails otherwise, and cleaning again changes nothing."""
    try:
        email = clean_email(f"{local}@{domain}")
    except Invalid:
        return
    assert clean_email(email) == email
    assert email.isprintable()


@given(st.text(max_size=200))
def test_a_display_name_is_refused_or_one_clean_line(text: str) -> None:
    """What is shown to others has no line break, no control and no turn of direction."""
    try:
        name = clean_name(text)
    except Invalid:
        return
    assert clean_name(name) == name
    assert 1 <= len(name) <= MAX_NAME_CHARS
    assert len(name.splitlines()) == 1
    assert "\u202e" not in name


@given(changes)
def test_steps_are_gapless_and_end_where_asked(change: Change) -> None:
    """Each step is the next revision and differs from the one before; the last is what was asked for."""
    after = steps(ACCOUNT, change)
    chain = [ACCOUNT, *after]
    assert [account.revision for account in chain] == list(range(1, len(chain) + 1))
    last = chain[-1]
    for name in ("display_name", "plan", "role", "status"):
        assert getattr(last, name) == (getattr(change, name) or getattr(ACCOUNT, name))
    for before, then in pairwise(chain):
        plan_moved = before.plan != then.plan
        others_moved = (before.display_name, before.role, before.status) != (then.display_name, then.role, then.status)
        assert plan_moved != others_moved
