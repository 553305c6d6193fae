"""Use cases of a person's own account: show it with its usage, change name, password and plan."""

from docstore_accounts.account.rules import Account, Change, Language, Plan, clean_name
from docstore_accounts.account.service import AccountService
from docstore_accounts.passwords.service import PasswordService
from docstore_contracts.quota import QuotaClient, Usage
from docstore_platform.errors import Forbidden
from docstore_platform.security.tokens import Principal


class ProfileService:
    def __init__(
        self, accounts: AccountService, passwords: PasswordService, quota: QuotaClient, *, self_service_plans: bool
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._quota = quota
        self.self_service_plans = self_service_plans
        """Whether people may change their own plan."""

    async def show(self, caller: Principal) -> tuple[Account, Usage]:
        """The caller's account and its usage; 503 while quota is down."""
        account = await self._accounts.own(caller)
        return account, await self._quota.account_usage(account.id)

    async def update(
        self,
        caller: Principal,
        address: str,
        *,
        display_name: str | None = None,
        password: str | None = None,
        current_password: str | None = None,
        language: Language | None = None,
    ) -> Account:
        """Change name, language or password: that ends every other session. 403 if `current_password` is wrong."""
        account = await self._accounts.own(caller)
        name = None if display_name is None else clean_name(display_name)
        if password is not None:
            await self._passwords.change(account, caller, address, password, current_password)
        if name is None and language is None:
            return account
        return await self._accounts.change(account.id, Change(display_name=name, language=language))

    async def choose_plan(self, caller: Principal, plan: Plan) -> Account:
        """Move the caller to `plan`; 403 `plans_not_self_service` if only administrators may."""
        if not self.self_service_plans:
            raise Forbidden("Ask an administrator to change your plan.", code="plans_not_self_service")
        await self._accounts.own(caller)
        return await self._accounts.change(caller.account_id, Change(plan=plan))
