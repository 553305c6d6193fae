"""E-mail addresses as mail servers take them."""

import idna


def sendable(email: str) -> str:
    """The address with its domain in ASCII (IDNA 2008). ValueError if there is no such address."""
    local, _, domain = email.rpartition("@")
    if not local.isascii():
        raise ValueError("its local part is not ASCII")
    return email if domain.isascii() else f"{local}@{idna.encode(domain, uts46=True).decode()}"
