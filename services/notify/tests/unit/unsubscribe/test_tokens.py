"""Statements that end e-mails can't be forged."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docstore_notify.domain import ENDABLE, Delivery, Kind, Target
from docstore_notify.shares.rules import address_hash
from docstore_notify.unsubscribe.service import KINDS_IN_WORDS
from docstore_notify.unsubscribe.tokens import Statement, UnsubscribeTokens
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TOKENS = UnsubscribeTokens(["a secret"])
UPLOADED = Delivery("d1", "anna", "email", "upload_done", NOW, NOW)
TOKEN = TOKENS.of(UPLOADED)


@pytest.mark.parametrize("kind", sorted(ENDABLE))
def test_a_token_names_the_kind_of_mail(kind: Kind) -> None:
    """Its kind, its delivery and to whom; of an address that was invited, its hash; and there are words for it."""
    invited = Target("Cleo@example.org") if kind == "invitation" else None
    token = TOKENS.of(Delivery("d1", "anna", "email", kind, NOW, NOW, target=invited))
    receiver = address_hash("cleo@EXAMPLE.org") if invited else "anna"
    assert TOKENS.read(token) == Statement(kind, receiver, "d1")
    assert "leo" not in token
    assert KINDS_IN_WORDS[kind]


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
def test_a_token_with_another_character_anywhere_is_none_of_ours(index: int, character: str) -> None:
    """Nor one that is cut; 404, like anything else that is not there."""
    changed = TOKEN[:index] + character + TOKEN[index + 1 :]
    for forged in (changed, TOKEN[:index]):
        if forged != TOKEN:
            with pytest.raises(DomainError) as refusal:
                TOKENS.read(forged)
            assert problem_of(refusal.value).status == 404


def test_another_secret_signs_otherwise() -> None:
    """A stack does not take the statements of another."""
    with pytest.raises(DomainError):
        UnsubscribeTokens(["another secret"]).read(TOKEN)
