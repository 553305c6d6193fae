"""Rules of passwords. Standard library only."""

import unicodedata

from docstore_accounts.account.rules import Refusal, email_key

MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 1024


def check_password(password: str, email: str) -> None:
    """Refusal `weak_password` if it is too easily guessed, or longer than anybody needs."""
    password = unicodedata.normalize("NFC", password)
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise Refusal("weak_password", f"A password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters.")
    if email_key(password) == email_key(email) or len(set(password)) == 1:
        raise Refusal("weak_password", "This password is too easy to guess.")
