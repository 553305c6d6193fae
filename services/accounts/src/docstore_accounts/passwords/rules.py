"""Rules that a new password must meet. Standard library only."""

import unicodedata

from docstore_accounts.account.rules import email_key
from docstore_platform.errors import invalid

MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 1024


def check_password(password: str, email: str) -> None:
    """Invalid `weak_password` if it is too short, too long or contains the e-mail."""
    password = unicodedata.normalize("NFC", password)
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise invalid(f"A password must have {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters.", "weak_password")
    if email_key(password) == email_key(email) or len(set(password)) == 1:
        raise invalid("This password is too easy to guess.", "weak_password")
