"""Use cases of administrators: list all accounts, change any of them."""

from docstore_accounts.account.repository import AccountRepository, Filter
from docstore_accounts.account.rules import Account, Change
from docstore_accounts.account.service import AccountService
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.errors import Conflict
from docstore_platform.security.tokens import Principal


class AdministrationService:
    def __init__(self, transactor: Transactor, service: AccountService, accounts: AccountRepository) -> None:
        self._transactor = transactor
        self._service = service
        self._accounts = accounts

    async def page(self, caller: Principal, wanted: Filter, after: str, limit: int) -> list[Account]:
        """List accounts by e-mail."""
        await self._service.require_admin(caller)
        return await self._accounts.page(wanted, after, limit)

    async def change(self, caller: Principal, account_id: str, change: Change) -> Account:
        """Change plan, role or status of any account but the caller's own, so that one administrator always remains."""

        async def work(transaction: Transaction) -> Account:
            await self._service.require_admin(caller, transaction)
            if account_id == caller.account_id and (change.role == "user" or change.status == "suspended"):
                raise Conflict("Administrators can't demote or suspend themselves.", code="own_account")
            # If two administrators demote each other concurrently, one of them fails here.
            await self._accounts.hold(caller.account_id, transaction)
            return await self._service.apply(account_id, change, transaction)

        return await self._transactor.run(work)
