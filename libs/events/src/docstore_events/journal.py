"""The name of an account's journal that metadata and the gateway share."""


def journal_wakeup(account_id: str) -> str:
    """Return the name to wake when an account's journal has a new entry."""
    return f"journal:{account_id}"
