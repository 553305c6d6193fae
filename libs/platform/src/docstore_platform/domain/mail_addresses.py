"""E-mail addresses in the form that mail servers accept."""

import idna


def sendable(email: str) -> str:
    """Return the address with its domain in ASCII (IDNA 2008). ValueError if it is invalid."""
    local, _, domain = email.rpartition("@")
    if not local.isascii():
        raise ValueError("its local part is not ASCII")
    return email if domain.isascii() else f"{local}@{idna.encode(domain, uts46=True).decode()}"
