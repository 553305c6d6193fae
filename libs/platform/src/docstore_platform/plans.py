"""The plan of an account at its owner, asked before something is refused: the event of a change may be under way."""

from docstore_contracts.accounts import AccountsClient, Plan
from docstore_platform.errors import DomainError


class AccountPlans:
    """Asks the accounts service."""

    def __init__(self, accounts: AccountsClient) -> None:
        self._accounts = accounts

    async def plan_of(self, account_id: str) -> tuple[Plan, int] | None:
        """The plan and the account's revision; None if accounts does not answer."""
        try:
            account = await self._accounts.account(account_id)
        except DomainError:
            return None
        return account["plan"], account["revision"]
