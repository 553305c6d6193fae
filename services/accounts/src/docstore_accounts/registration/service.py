"""Use cases of registration: sign up, and create the first administrator."""

from dataclasses import dataclass

import structlog

from docstore_accounts.account import events
from docstore_accounts.account.repository import AccountRepository, EmailTaken
from docstore_accounts.account.rules import Account, Change, Language, Role, clean_email, clean_name, email_key
from docstore_accounts.account.service import AccountService
from docstore_accounts.invitations.service import InvitationService
from docstore_accounts.passwords.strength import check_new_password
from docstore_accounts.regions.service import EmailClaims, email_taken
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.verification.service import VerificationService
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.domain.mail_addresses import sendable
from docstore_platform.errors import DomainError, invalid
from docstore_platform.ids import new_id
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.passwords import Passwords

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RegistrationService:
    settings: AccountsSettings
    transactor: Transactor
    service: AccountService
    accounts: AccountRepository
    passwords: Passwords
    claims: EmailClaims
    verification: VerificationService
    invitations: InvitationService
    clock: Clock

    async def sign_up(
        self,
        email: str,
        password: str,
        display_name: str | None = None,
        *,
        role: Role = "user",
        language: Language | None = None,
        invitation: str | None = None,
        address: str = "",
    ) -> Account:
        """Create a free account; Conflict `email_taken`, also for the later of two concurrent sign-ups in any regions.

        403 if the person may not sign up here. 503 `region_unreachable` while the e-mail's arbiter is unreachable.
        """
        email = clean_email(email)
        invited = role == "admin" or self.invitations.admit(email, invitation)
        _check_mailable(email)
        name = clean_name(email.rpartition("@")[0] if display_name is None else display_name)
        await check_new_password(password, email, name, self.settings.breached_passwords_file)
        if await self.accounts.by_email(email):
            raise email_taken()
        password_hash = await self.passwords.hash(password, Requester.anonymous(address, email_key(email)))
        account = Account(
            id=new_id(),
            email=email,
            display_name=name,
            plan="free",
            role=role,
            status="active",
            home_region=self.settings.infra.region,
            created_at=self.clock(),
            revision=1,
            email_verified=invited or not self.verification.required,
            language=language,
        )

        async def work(transaction: Transaction) -> None:
            await self.claims.confirm(account, transaction)
            await self.accounts.insert(account, password_hash, transaction)
            transaction.publish(events.created(account))
            await self.verification.start(account, transaction)

        async with self.claims.claimed(account.id, email):
            try:
                await self.transactor.run(work)
            except EmailTaken:
                raise email_taken() from None
        return account

    async def create_first_admin(self) -> bool:
        """Create the administrator named in the settings, unless an account has the e-mail.

        False while the e-mail's arbiter is unreachable.
        """
        email = self.settings.first_admin_email
        if not email:
            return True
        account = await self.accounts.by_email(email)
        if account is None:
            try:
                account = await self.sign_up(email, self.settings.first_admin_password.get_secret_value(), role="admin")
            except DomainError as problem:
                if problem.code not in ("email_taken", "region_unreachable"):
                    raise
                return problem.code == "email_taken"
        if account.role != "admin":
            log.warning("first_admin_email_taken", account_id=account.id)
        elif not account.email_verified:
            await self.service.change(account.id, Change(email_verified=True))
        return True


def _check_mailable(email: str) -> None:
    """Invalid `invalid_email` if its domain can't be encoded for mail servers: no mail would ever arrive."""
    try:
        sendable(email)
    except ValueError:
        raise invalid("The domain of this e-mail address is invalid.", "invalid_email") from None
