"""Addresses as mail servers take them."""

import pytest

from docstore_platform.domain.mail_addresses import sendable


@pytest.mark.parametrize(
    ("email", "known"),
    [
        ("ann@Example.org", "ann@Example.org"),
        ("ann@mail_1.example", "ann@mail_1.example"),
        ("anna@B\u00fccher.example", "anna@xn--bcher-kva.example"),
        ("anna@stra\u00dfe.example", "anna@xn--strae-oqa.example"),
    ],
)
def test_only_a_domain_of_another_script_is_written_anew(email: str, known: str) -> None:
    """In IDNA 2008, in which `ß` is a letter of its own: no mail goes to another's domain."""
    assert sendable(email) == known


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("jos\u00e9@example.org", "not ASCII"),
        ("a@\u2603.example", "not allowed"),
        ("a@\u00fc_x.example", "not allowed"),
        ("a@\u05d0a.example", "direction"),
        (f"a@{'x' * 60}\u00fc.example", "too long"),
    ],
)
def test_an_address_that_no_server_can_have_is_none(email: str, reason: str) -> None:
    """Symbols, underscores beside other scripts, mixed directions of writing, labels that get too long in ASCII."""
    with pytest.raises(ValueError, match=reason):
        sendable(email)
