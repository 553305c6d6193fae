"""Use case of passwords: change one's own."""

from docstore_accounts.account.repository import AccountRepository
from docstore_accounts.account.rules import Account, email_key
from docstore_accounts.passwords.strength import check_new_password
from docstore_accounts.revocation.service import TokenRevoker
from docstore_accounts.settings import AccountsSettings
from docstore_events.catalogue.accounts import PasswordChanged
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import Forbidden, invalid
from docstore_platform.ids import new_id
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.throttle import Throttle
from docstore_platform.security.tokens import Principal


class PasswordService:
    def __init__(
        self,
        settings: AccountsSettings,
        transactor: Transactor,
        accounts: AccountRepository,
        revoker: TokenRevoker,
        passwords: Passwords,
        throttle: Throttle,
        clock: Clock,
    ) -> None:
        self._breached_passwords_file = settings.breached_passwords_file
        self._transactor = transactor
        self._accounts = accounts
        self._revoker = revoker
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock

    async def change(
        self, account: Account, caller: Principal, address: str, password: str, current: str | None
    ) -> None:
        """Set a new password and end every other session. 403 if `current` is wrong, 422 `weak_password`."""
        if current is None:
            raise invalid("To change the password, enter the current one as well.", "current_password_needed")
        await check_new_password(password, account.email, account.display_name, self._breached_passwords_file)
        requester = Requester.account(account.id, address)
        stored = await self._accounts.password_hash(account.id)
        known_as = f"session {caller.session_id}"
        async with self._throttle.attempt(email_key(account.email), address, known_as=known_as) as attempt:
            attempt.succeeded = stored is not None and await self._passwords.matches(current, stored, requester)
        wrong = Forbidden("The current password is wrong.", code="invalid_credentials")
        if stored is None or not attempt.succeeded:
            raise wrong
        renewed = await self._passwords.hash(password, requester)

        async def work(transaction: Transaction) -> bool:
            changed = await self._accounts.set_password(account.id, renewed, was=stored, transaction=transaction)
            if changed:
                await self._revoker.end_sessions(account.id, transaction, but=caller.session_id)
                transaction.publish(
                    PasswordChanged(
                        change_id=new_id(),
                        account_id=account.id,
                        session_id=caller.session_id,
                        device=caller.device,
                        changed_at=self._clock(),
                        revision=1,
                    )
                )
            return changed

        if not await self._transactor.run(work):
            raise wrong
