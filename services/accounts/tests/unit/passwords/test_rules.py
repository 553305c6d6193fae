"""Rules of passwords, whatever is put in."""

import pytest

from docstore_accounts.passwords.rules import check_password
from docstore_platform.errors import Invalid


@pytest.mark.parametrize("password", ["", "seven77", "x" * 1025, "aaaaaaaaaaaa", "Ann@example.org", "e\u0301" * 4])
def test_weak_passwords_are_refused(password: str) -> None:
    """Too short, too long, one character, the e-mail itself; an accent is no character of its own."""
    with pytest.raises(Invalid) as refused:
        check_password(password, "ann@example.org")
    assert refused.value.code == "weak_password"


@pytest.mark.parametrize("password", ["eight888", "pass phrase of words", "x1" * 512, "пароль-9"])
def test_good_passwords_are_accepted(password: str) -> None:
    """8 to 1024 characters of any script."""
    check_password(password, "ann@example.org")
