"""Events about an account's usage: which of them a change publishes."""

from datetime import datetime
from typing import Any

from docstore_events.catalogue.usage import QuotaExceeded, QuotaRestored, UsageChanged
from docstore_events.envelope import Envelope
from docstore_events.transaction import Transaction
from docstore_quota.rules import Account, figures


def publish_change(
    before: Account,
    account: Account,
    now: datetime,
    transaction: Transaction,
    *,
    counted: tuple[str, ...] = (),
    cause: Envelope[Any] | None = None,
) -> None:
    """Publish the account's new usage, and that it crossed its limit. `counted`: uploads in the new usage."""
    crossing = account.update_over_quota()
    if counted or figures(before) != figures(account):
        transaction.publish(UsageChanged(**_usage(account), upload_ids=counted), cause=cause)
    if crossing == "exceeded":
        account.told_exceeded_at = now
        transaction.publish(QuotaExceeded(**_usage(account)), cause=cause)
    elif crossing == "restored":
        account.told_exceeded_at = None
        transaction.publish(QuotaRestored(**_usage(account)), cause=cause)


def publish_refusal(account: Account, requested: int, now: datetime, transaction: Transaction) -> None:
    """Publish that an upload of so many bytes was refused."""
    account.told_exceeded_at = now
    transaction.publish(QuotaExceeded(**_usage(account), requested=requested))


def _usage(account: Account) -> dict[str, Any]:
    """Return the common fields of usage events; each event has the next revision of the account's usage."""
    account.revision += 1
    return {
        "revision": account.revision,
        "account_id": account.id,
        "used": account.used,
        "reserved": account.reserved,
        "limit": account.limit,
        "documents": account.documents,
    }
