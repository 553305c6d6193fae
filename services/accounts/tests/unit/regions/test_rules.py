"""Rules of regions: hashes, arbiters, and which entry wins."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from docstore_accounts.regions.rules import CLAIMED, Entry, arbiter, compare_entries, hash_email
from docstore_accounts.settings import AccountsSettings
from docstore_platform.settings import InfraSettings

HASHES = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
NAMES = st.sets(st.from_regex(r"[a-z]{2}-[a-z]{4}-[1-9]", fullmatch=True), min_size=1, max_size=6)
HERE, THERE = "us-west-2", "ap-southeast-2"


def entry(account_id: str = "1", email_hash: str = "h", home: str = HERE, revision: int = 1) -> Entry:
    return Entry(account_id, email_hash, home, "active", revision)


@given(NAMES, HASHES, st.randoms())
def test_all_regions_agree_on_the_arbiter(names: set[str], email_hash: str, random) -> None:
    """It is one of them, in whatever order each has them in its settings."""
    shuffled = list(names)
    random.shuffle(shuffled)
    assert arbiter(shuffled, email_hash) == arbiter(names, email_hash) in names


@given(NAMES, HASHES)
def test_one_more_region_takes_emails_over_only_itself(names: set[str], email_hash: str) -> None:
    """Between the regions that were there before nothing moves."""
    assert arbiter({*names, "zz-newer-1"}, email_hash) in ("zz-newer-1", arbiter(names, email_hash))


def test_arbiters_are_spread_evenly() -> None:
    """Of a thousand e-mails each of two regions decides about half."""
    ours = sum(arbiter((HERE, THERE), hash_email("pepper", f"{n}@example.org")) == HERE for n in range(1000))
    assert 400 < ours < 600


def test_spellings_of_an_email_have_one_hash_that_needs_the_pepper() -> None:
    """As addresses are unique in one region, so they are in all; with another pepper nothing matches."""
    assert hash_email("pepper", " Ann@Example.ORG") == hash_email("pepper", "ann@example.org")
    assert hash_email("pepper", "ann@example.org") != hash_email("salt", "ann@example.org")


@given(st.permutations(list(range(1, 8))), st.data())
def test_any_order_with_doubles_ends_in_the_newest_state(order: list[int], data) -> None:
    """However changes of one account arrive, the stored state never goes back and ends at the highest revision."""
    kept: Entry | None = None
    for revision in [*order, *data.draw(st.lists(st.sampled_from(order)))]:
        received = entry(revision=revision, home=THERE)
        if compare_entries(received, kept, kept, HERE) == "newer":
            assert kept is None or kept.revision < revision
            kept = received
    assert kept is not None
    assert kept.revision == 7


def test_an_account_replaces_a_claim() -> None:
    """Its own, and one that another sign-up holds: that one can't make its account any more."""
    received = entry(home=THERE)
    assert (
        compare_entries(received, replace(received, revision=CLAIMED), replace(received, revision=CLAIMED), HERE)
        == "newer"
    )
    assert compare_entries(received, None, entry("2", revision=CLAIMED), HERE) == "newer"


@pytest.mark.parametrize("here", [HERE, THERE, "eu-north-1"])
@pytest.mark.parametrize(("lost", "made_since"), [("1", "2"), ("2", "1")])
def test_the_replicated_account_of_a_region_wins(here: str, lost: str, made_since: str) -> None:
    """A home has an e-mail once: after its restore from a backup the account that was lost holds it no more."""
    assert compare_entries(entry(made_since, home=THERE), None, entry(lost, home=THERE, revision=7), here) == "newer"


@given(st.permutations(["1", "2"]), st.sampled_from([HERE, THERE, "eu-north-1"]))
def test_two_accounts_with_one_email_are_resolved_alike_in_any_order(order: list[str], region: str) -> None:
    """Each home keeps its own; others keep the older account, whichever they received first."""
    entries = {"1": entry("1", home=THERE), "2": entry("2", home=HERE)}
    kept: Entry | None = None
    for account_id in order:
        received = entries[account_id]
        if compare_entries(received, None, kept, region) == "newer":
            kept = received
    assert kept is not None
    assert kept.account_id == {HERE: "2", THERE: "1", "eu-north-1": "1"}[region]


@pytest.mark.parametrize(
    "settings",
    [
        {"peers": {HERE: "http://a"}},
        {"peers": {"Not A Region": "http://a"}},
        {"peers": {THERE: "http://a"}, "peer_secret": "short"},
        {"peers": {THERE: "http://a"}, "email_pepper": ""},
    ],
)
def test_half_a_setting_of_peers_is_refused(settings: dict) -> None:
    """A region that would send unsigned or plainly hashed changes does not start."""
    complete = {"peer_secret": SecretStr("s" * 16), "email_pepper": SecretStr("p" * 16)}
    infra = InfraSettings(reset_link_secrets="secret", region=HERE)
    AccountsSettings(infra=infra, peers={THERE: "http://a"}, **complete)
    with pytest.raises(ValidationError):
        AccountsSettings(infra=infra, **{**complete, **settings})
