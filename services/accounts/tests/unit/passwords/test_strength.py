"""Refused passwords and their error messages."""

from pathlib import Path

import pytest

from docstore_accounts.passwords.strength import check_new_password
from docstore_platform.errors import Invalid

ANN = "ann.walker@example.org", "Ann Walker"


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "12345678",
        "Password1!",
        "P@ssw0rd2026",
        "qwertzuiop",
        "annwalker1990",
        "docstore2026",
        "ChangeMe123!",
        "short",
        "x" * 1025,
        "aaaaaaaaaaaa",
    ],
)
async def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    """Common, breached, made of the owner's name or of the product's, short, long or one character."""
    with pytest.raises(Invalid) as refused:
        await check_new_password(password, *ANN)
    assert refused.value.code == "weak_password"
    assert refused.value.detail.endswith(".")


@pytest.mark.parametrize("password", ["correct horse", "Zw8-kqTr51", "пароль из четырёх слов", "x1 y2 z3" * 100])
async def test_a_password_out_of_reach_of_guessing_is_taken(password: str) -> None:
    """Phrases in any language, random characters, and very long ones."""
    await check_new_password(password, *ANN)


async def test_the_reason_is_in_plain_words() -> None:
    """What is wrong with it, and what to do."""
    with pytest.raises(Invalid) as refused:
        await check_new_password("Password1!", *ANN)
    assert refused.value.detail == (
        "This password is too easy to guess. This is similar to a commonly used password. "
        "Use a longer phrase of uncommon words."
    )


async def test_an_operators_list_is_obeyed(tmp_path: Path) -> None:
    """What it names is refused however it is written, and nothing else."""
    (tmp_path / "breached").write_text("Hunting-Seven-Owls\n")
    await check_new_password("hunting-eight-owls", *ANN, tmp_path / "breached")
    with pytest.raises(Invalid, match="lists of breached passwords"):
        await check_new_password("hunting-SEVEN-owls", *ANN, tmp_path / "breached")
