"""Use cases of accounts: sign up, look at and change one's own, administer all."""

import structlog

from docstore_accounts import account_events
from docstore_accounts.claims import Emails, email_taken
from docstore_accounts.domain import (
    Account,
    Change,
    Plan,
    Refusal,
    Role,
    clean_email,
    clean_name,
    email_key,
    steps,
)
from docstore_accounts.invitations.service import InvitationService
from docstore_accounts.password_strength import check_new_password
from docstore_accounts.revocation.service import TokenRevoker
from docstore_accounts.sessions import account_suspended
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.storage import AccountStore, Filter
from docstore_accounts.verification.service import VerificationService
from docstore_events.accounts import PasswordChanged
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.fair_queue import Requester
from docstore_platform.ids import new_id
from docstore_platform.mail_addresses import sendable
from docstore_platform.mongo import DuplicateKeyError, Session
from docstore_platform.passwords import Passwords
from docstore_platform.problems import Problem, not_found
from docstore_platform.throttle import Throttle
from docstore_platform.tokens import Principal, unauthorized

log = structlog.get_logger(__name__)


class AccountService:
    """Every change of an account and the event that tells of it are one transaction."""

    def __init__(
        self,
        settings: AccountsSettings,
        transactor: Transactor,
        accounts: AccountStore,
        revoker: TokenRevoker,
        passwords: Passwords,
        throttle: Throttle,
        emails: Emails,
        verification: VerificationService,
        invitations: InvitationService,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._transactor = transactor
        self._emails = emails
        self._verification = verification
        self._invitations = invitations
        self._accounts = accounts
        self._revoker = revoker
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock

    async def sign_up(
        self,
        email: str,
        password: str,
        display_name: str | None = None,
        *,
        role: Role = "user",
        invitation: str | None = None,
        address: str = "",
    ) -> Account:
        """A new free account; Problem 409 `email_taken`, of two at once for the later one, in whichever regions.

        403 to who may not sign up here. 503 `region_unreachable` while the region that would know can't be asked.
        """
        email = clean_email(email)
        invited = role == "admin" or self._invitations.admit(email, invitation)
        _check_mailable(email)
        name = clean_name(email.rpartition("@")[0] if display_name is None else display_name)
        await check_new_password(password, email, name, self._settings.breached_passwords_file)
        if await self._accounts.by_email(email):
            raise email_taken()
        password_hash = await self._passwords.hash(password, Requester.stranger(address, email_key(email)))
        account = Account(
            id=new_id(),
            email=email,
            display_name=name,
            plan="free",
            role=role,
            status="active",
            home_region=self._settings.infra.region,
            created_at=self._clock(),
            revision=1,
            email_verified=invited or not self._verification.required,
        )

        async def work(transaction: Transaction) -> None:
            await self._emails.confirm(account, transaction.session)
            await self._accounts.insert(account, password_hash, transaction.session)
            transaction.publish(account_events.created(account))
            await self._verification.start(account, transaction)

        async with self._emails.claimed(account.id, email):
            try:
                await self._transactor.run(work)
            except DuplicateKeyError:
                raise email_taken() from None
        return account

    async def make_first_admin(self) -> bool:
        """The administrator of the settings, unless somebody has the e-mail: then nothing is changed.

        False while it is another region that knows whether somebody has, and it can't be asked.
        """
        email = self._settings.first_admin_email
        if not email:
            return True
        account = await self._accounts.by_email(email)
        if account is None:
            try:
                account = await self.sign_up(
                    email, self._settings.first_admin_password.get_secret_value(), role="admin"
                )
            except Problem as problem:
                if problem.code not in ("email_taken", "region_unreachable"):
                    raise
                return problem.code == "email_taken"
        if account.role != "admin":
            log.warning("the account of the first administrator's e-mail is no administrator", account_id=account.id)
        elif not account.email_verified:
            await self._change(account.id, Change(email_verified=True))
        return True

    async def get(self, account_id: str) -> Account:
        account = await self._accounts.get(account_id)
        if account is None:
            raise not_found("account")
        return account

    async def own(self, caller: Principal) -> Account:
        """The caller's account; 401 if the token outlived it, 403 if it is suspended."""
        account = await self._accounts.get(caller.account_id)
        if account is None:
            raise unauthorized("This account is gone.")
        if account.status != "active":
            raise account_suspended()
        return account

    async def update_own(
        self,
        caller: Principal,
        address: str,
        *,
        display_name: str | None = None,
        password: str | None = None,
        current_password: str | None = None,
    ) -> Account:
        """Change the name, or the password: that ends every other session. 403 if `current_password` is wrong."""
        account = await self.own(caller)
        name = None if display_name is None else clean_name(display_name)
        if password is not None:
            await self._change_password(account, caller, address, password, current_password)
        if name is None:
            return account
        return await self._change(account.id, Change(display_name=name))

    async def _change_password(
        self, account: Account, caller: Principal, address: str, password: str, current: str | None
    ) -> None:
        if current is None:
            raise Refusal("current_password_needed", "To change the password, give the current one as well.")
        breached_file = self._settings.breached_passwords_file
        await check_new_password(password, account.email, account.display_name, breached_file)
        requester = Requester.account(account.id, address)
        stored = await self._accounts.password_hash(account.id)
        known_as = f"session {caller.session_id}"
        async with self._throttle.attempt(email_key(account.email), address, known_as=known_as) as attempt:
            attempt.succeeded = stored is not None and await self._passwords.matches(current, stored, requester)
        wrong = Problem(403, "invalid_credentials", "The current password is not right.")
        if stored is None or not attempt.succeeded:
            raise wrong
        renewed = await self._passwords.hash(password, requester)

        async def work(transaction: Transaction) -> bool:
            tx = transaction.session
            changed = await self._accounts.set_password(account.id, renewed, was=stored, tx=tx)
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

    @property
    def self_service_plans(self) -> bool:
        """Whether people may change their own plan."""
        return self._settings.self_service_plans

    async def choose_plan(self, caller: Principal, plan: Plan) -> Account:
        """Move the caller to `plan`; 403 `plans_not_self_service` where an administrator does that."""
        if not self.self_service_plans:
            raise Problem(403, "plans_not_self_service", "Ask an administrator to change your plan.")
        await self.own(caller)
        return await self._change(caller.account_id, Change(plan=plan))

    async def page(self, caller: Principal, wanted: Filter, after: str, limit: int) -> list[Account]:
        """Accounts by e-mail, for administrators."""
        await self.require_admin(caller)
        return await self._accounts.page(wanted, after, limit)

    async def administer(self, caller: Principal, account_id: str, change: Change) -> Account:
        """Change plan, role or status of any account; nobody takes their own rights away, so one admin remains."""

        async def work(transaction: Transaction) -> Account:
            await self.require_admin(caller, transaction.session)
            if account_id == caller.account_id and (change.role == "user" or change.status == "suspended"):
                raise Problem(409, "own_account", "Administrators can't demote or suspend themselves.")
            # Of two who take each other's rights away at once, one keeps them.
            await self._accounts.hold(caller.account_id, transaction.session)
            return await self._changed(account_id, change, transaction)

        return await self._transactor.run(work)

    async def _change(self, account_id: str, change: Change) -> Account:
        return await self._transactor.run(lambda transaction: self._changed(account_id, change, transaction))

    async def _changed(self, account_id: str, change: Change, transaction: Transaction) -> Account:
        account = await self._accounts.get(account_id, transaction.session)
        if account is None:
            raise not_found("account")
        for after in steps(account, change):
            await self._accounts.replace(account, after, transaction.session)
            transaction.publish(account_events.changed(account, after))
            if (after.role, after.status) != (account.role, account.status):
                await self._revoker.outdate(account_id, after.revision, transaction)
            account = after
        if account.status == "suspended":
            await self._revoker.end_sessions(account_id, transaction)
        return account

    async def require_admin(self, caller: Principal, tx: Session = None) -> None:
        """By the account as it is now: who was demoted or suspended has a token for minutes, and could undo it."""
        account = await self._accounts.get(caller.account_id, tx) if caller.is_admin else None
        if account is None or account.role != "admin" or account.status != "active":
            raise Problem(403, "forbidden", "This is for administrators.")


def _check_mailable(email: str) -> None:
    """Refusal `invalid_email` if its domain has no form that a mail server takes: its owner would never hear of us."""
    try:
        sendable(email)
    except ValueError:
        raise Refusal("invalid_email", "There is no such domain as this e-mail address has.") from None
