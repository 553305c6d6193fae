"""Rules of accounts, whatever is put in."""

import unicodedata
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_accounts.domain import (
    MAX_DEVICE_CHARS,
    MAX_NAME_CHARS,
    Account,
    Change,
    RefreshToken,
    Refusal,
    check_password,
    clean_device,
    clean_email,
    clean_name,
    email_key,
    steps,
)
from docstore_platform.ids import new_id

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
def test_what_is_no_address_is_refused(email: str) -> None:
    """Nothing that a mail server would refuse, or that smuggles a header or an invisible character, is kept."""
    with pytest.raises(Refusal) as refused:
        clean_email(email)
    assert refused.value.code == "invalid_email"


def test_a_local_part_that_can_not_be_mailed_to_is_refused_in_words() -> None:
    """Whoever signs up with one hears why at once, instead of never getting a mail."""
    with pytest.raises(Refusal, match="ASCII") as refused:
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
    except Refusal:
        return
    assert clean_email(email) == email
    assert email.isprintable()


@pytest.mark.parametrize("password", ["", "seven77", "x" * 1025, "aaaaaaaaaaaa", "Ann@example.org", "e\u0301" * 4])
def test_weak_passwords_are_refused(password: str) -> None:
    """Too short, too long, one character, the e-mail itself; an accent is no character of its own."""
    with pytest.raises(Refusal) as refused:
        check_password(password, "ann@example.org")
    assert refused.value.code == "weak_password"


@pytest.mark.parametrize("password", ["eight888", "pass phrase of words", "x1" * 512, "пароль-9"])
def test_good_passwords_are_accepted(password: str) -> None:
    """8 to 1024 characters of any script."""
    check_password(password, "ann@example.org")


@given(st.text(max_size=200))
def test_a_display_name_is_refused_or_one_clean_line(text: str) -> None:
    """What is shown to others has no line break, no control and no turn of direction."""
    try:
        name = clean_name(text)
    except Refusal:
        return
    assert clean_name(name) == name
    assert 1 <= len(name) <= MAX_NAME_CHARS
    assert len(name.splitlines()) == 1
    assert "\u202e" not in name


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_device_always_has_a_name(first: str, second: str) -> None:
    """Whatever a client calls itself, there is something to show, and it fits into a token."""
    name = clean_device(first, second, None)
    assert name == name.strip()
    assert 1 <= len(name) <= MAX_DEVICE_CHARS
    name.encode()


def test_the_device_name_comes_before_the_browsers() -> None:
    """The name a person gave wins over what the client says of itself."""
    assert clean_device("Phone", "curl/8") == "Phone"
    assert clean_device("\n", "curl/8") == "curl/8"
    assert clean_device(None, "") == "unnamed device"


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


def test_a_refresh_token_reads_back() -> None:
    """What is handed out parses to the same secrets, and its successor keeps session and family."""
    token = RefreshToken.new(new_id())
    assert RefreshToken.parse(token.text) == token
    successor = token.next()
    assert (successor.session_id, successor.family) == (token.session_id, token.family)
    assert successor.secret != token.secret
    assert len(token.secret) * 8 == 256


@given(st.text(max_size=120) | st.binary(max_size=100).map(lambda raw: "dsr_" + raw.hex()))
def test_any_other_text_is_no_refresh_token(text: str) -> None:
    """Made-up tokens are refused without an error."""
    assert RefreshToken.parse(text) is None


def test_a_changed_spelling_of_a_token_is_no_token() -> None:
    """Characters that base64 ignores don't make a second spelling of the same secret."""
    text = RefreshToken.new(new_id()).text
    assert RefreshToken.parse(text + "\n") is None
    assert RefreshToken.parse(text[:20] + "!" + text[20:]) is None
    assert RefreshToken.parse(text.removeprefix("dsr_")) is None
