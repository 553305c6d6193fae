"""The rules of public links."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from docstore_metadata.links.repository import LINKS
from docstore_metadata.links.rules import (
    GRANT_LIFE,
    WARNED_BEFORE,
    Link,
    LinkGrants,
    hash_of,
    new_token,
    warning_moment,
)

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
LINK = Link(id="l1", token_hash=hash_of("t"), node_id="n1", owner_id="o1", name="", created_at=NOW, password_hash="$h")
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


def test_tokens_are_random_with_192_bits() -> None:
    """24 random bytes, in characters that need no escaping in a URL."""
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {32}
    assert all(token.replace("-", "").replace("_", "").isalnum() and token.isascii() for token in tokens)


def test_a_stored_link_contains_only_the_tokens_hash() -> None:
    """The database does not reveal the token."""
    token = new_token()
    document = LINKS.document(replace(LINK, token_hash=hash_of(token)))
    assert token not in repr(document)
    assert document["token"] == hash_of(token)


@given(st.none() | moments, moments, st.none() | st.integers(1, 5), st.integers(0, 8))
def test_a_link_opens_until_it_expires_or_is_used_up(
    expires_at: datetime | None, now: datetime, max_downloads: int | None, downloads: int
) -> None:
    """To the exact moment; without limits it never ends. Stored and read, it is the same link."""
    link = replace(LINK, expires_at=expires_at, max_downloads=max_downloads, downloads=downloads)
    expired = expires_at is not None and expires_at <= now
    used_up = max_downloads is not None and downloads >= max_downloads
    assert link.opens_at(now) is not (expired or used_up)
    assert (link.downloads_left == 0) is used_up
    assert LINKS.item(LINKS.document(link)) == link


@given(st.none() | moments, moments)
def test_the_warning_is_a_day_before_the_end_or_absent(expires_at: datetime | None, now: datetime) -> None:
    """Never in the past: an owner knows an end less than a day away."""
    warn_at = warning_moment(expires_at, now)
    if expires_at is None or expires_at - now <= WARNED_BEFORE:
        assert warn_at is None
    else:
        assert warn_at == expires_at - timedelta(hours=24) > now


def test_a_grant_is_valid_for_its_link_password_and_time() -> None:
    """It expires with the password, and after ten minutes."""
    grants = LinkGrants(["secret"])
    grant = grants.make(LINK, NOW)
    assert grants.is_good(grant, LINK, NOW)
    assert grants.is_good(grant, replace(LINK, opens=7, downloads=3), NOW)
    assert not grants.is_good(grant, LINK, NOW + GRANT_LIFE)
    assert not grants.is_good(grant, replace(LINK, password_hash="$other"), NOW)
    assert not grants.is_good(grant, replace(LINK, id="l2"), NOW)
    assert not LinkGrants(["another"]).is_good(grant, LINK, NOW)


@given(st.text(max_size=80))
def test_a_forged_grant_is_refused(text: str) -> None:
    """Any text is refused without an error, and so is a grant with a changed time."""
    grants = LinkGrants(["secret"])
    signature = grants.make(LINK, NOW).partition(".")[2]
    later = int((NOW + timedelta(days=1)).timestamp())
    for forged in (text, f"{later}.{text}", f"{later}.{signature}", f"{text}.{signature}"):
        assert not grants.is_good(forged, LINK, NOW)
