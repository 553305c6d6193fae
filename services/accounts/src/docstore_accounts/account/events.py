"""Events of accounts, built from their state."""

from dataclasses import asdict

from docstore_accounts.account.rules import Account
from docstore_events.catalogue.accounts import AccountCreated, AccountEvent, AccountPlanChanged, AccountUpdated


def created(account: Account) -> AccountCreated:
    return AccountCreated(**_state(account))


def changed(before: Account, after: Account) -> AccountEvent:
    """Return the event of one step from `before` to `after`: a change of the plan has its own event."""
    if before.plan != after.plan:
        return AccountPlanChanged(**_state(after), previous_plan=before.plan)
    return AccountUpdated(**_state(after))


def _state(account: Account) -> dict[str, object]:
    state = asdict(account)
    return {"account_id": state.pop("id"), **state}
