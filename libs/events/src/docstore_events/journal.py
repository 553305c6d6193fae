"""What metadata and the gateway call an account's journal."""


def journal_wakeup(account_id: str) -> str:
    """The name that is woken when there is something new in an account's journal."""
    return f"journal:{account_id}"
