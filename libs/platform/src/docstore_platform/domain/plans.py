"""The current plan of an account, requested before a refusal: the event of a change may be under way."""

from docstore_contracts.accounts import AccountsClient, Plan
from docstore_platform.errors import DomainError


class AccountPlans:
    """Requests plans from the accounts service."""

    def __init__(self, accounts: AccountsClient) -> None:
        self._accounts = accounts

    async def plan_of(self, account_id: str) -> tuple[Plan, int] | None:
        """Return the plan and the account's revision; None if accounts does not respond."""
        try:
            account = await self._accounts.account(account_id)
        except DomainError:
            return None
        return account["plan"], account["revision"]
