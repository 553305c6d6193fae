"""E-mail addresses of people. Standard library only."""

import unicodedata

from docstore_metadata.errors import InvalidEmail

MAX_EMAIL_CHARS = 254


def clean_email(email: str) -> str:
    """The address, stripped and in NFC; InvalidEmail for obviously invalid ones. The accounts service checks more."""
    email = unicodedata.normalize("NFC", email.strip())
    local, _, domain = email.rpartition("@")
    visible = not any(unicodedata.category(char)[0] in "CZ" for char in email)
    if not local or "@" in local or "." not in domain.strip(".") or len(email) > MAX_EMAIL_CHARS or not visible:
        raise InvalidEmail("This is not an e-mail address.")
    return email


def email_key(email: str) -> str:
    """Key that is equal for all spellings of one address, as in the accounts service."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email.strip()).lower())
