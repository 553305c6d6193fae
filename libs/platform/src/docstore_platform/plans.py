"""The plan of an account at its owner, asked before something is refused: the event of a change may be under way."""

from typing import Literal

from docstore_platform.internal import ServiceClient
from docstore_platform.problems import Problem


class AccountPlans:
    """Asks the accounts service."""

    def __init__(self, accounts: ServiceClient) -> None:
        self._accounts = accounts

    async def plan_of(self, account_id: str) -> tuple[Literal["free", "premium"], int] | None:
        """The plan and the account's revision; None if accounts does not answer."""
        try:
            account = await self._accounts.call("GET", f"/internal/accounts/{account_id}")
        except Problem:
            return None
        return account["plan"], account["revision"]
