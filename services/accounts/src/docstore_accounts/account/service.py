"""Use cases that all features share: read an account, apply a change to it, and require an administrator."""

from docstore_accounts.account import events
from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.account.rules import Account, Change, steps
from docstore_accounts.revocation.service import TokenRevoker
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.errors import DomainError, Forbidden, not_found
from docstore_platform.security.tokens import Principal, unauthorized


def account_suspended() -> DomainError:
    return Forbidden("This account is suspended. Ask an administrator.", code="account_suspended")


class AccountService:
    """Commits every change of an account and its events in one transaction."""

    def __init__(self, transactor: Transactor, accounts: AccountRepository, revoker: TokenRevoker) -> None:
        self._transactor = transactor
        self._accounts = accounts
        self._revoker = revoker

    async def get(self, account_id: str) -> Account:
        account = await self._accounts.get(account_id)
        if account is None:
            raise not_found("account")
        return account

    async def own(self, caller: Principal) -> Account:
        """The caller's account; 401 if the token outlived it, 403 if it is suspended."""
        account = await self._accounts.get(caller.account_id)
        if account is None:
            raise unauthorized("This account no longer exists.")
        if account.status != "active":
            raise account_suspended()
        return account

    async def change(self, account_id: str, change: Change) -> Account:
        """Apply a change in a transaction of its own."""
        return await self._transactor.run(lambda transaction: self.apply(account_id, change, transaction))

    async def apply(self, account_id: str, change: Change, transaction: Transaction) -> Account:
        """Apply a change: save it, publish its events, and revoke the tokens that it makes invalid."""
        account = await self._accounts.get(account_id, transaction)
        if account is None:
            raise not_found("account")
        for after in steps(account, change):
            await self._accounts.replace(account, after, transaction)
            transaction.publish(events.changed(account, after))
            if (after.role, after.status) != (account.role, account.status):
                await self._revoker.outdate(account_id, after.revision, transaction)
            account = after
        if account.status == "suspended":
            await self._revoker.end_sessions(account_id, transaction)
        return account

    async def require_admin(self, caller: Principal, transaction: Transaction | None = None) -> None:
        """Check the stored account, since the token of a demoted administrator stays valid for minutes."""
        account = await self._accounts.get(caller.account_id, transaction) if caller.is_admin else None
        if account is None or account.role != "admin" or account.status != "active":
            raise Forbidden("Only administrators can do this.")
