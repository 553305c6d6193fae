"""The use cases of accounts on in-memory repositories."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from accounts_fakes import (
    FakeAccounts,
    FakeApiTokens,
    FakeClock,
    FakeDevices,
    FakeKeys,
    FakeMetadata,
    FakePeriodCounts,
    FakeQuota,
    FakeResets,
    FakeRevocations,
    FakeSessions,
    FakeVerifications,
)
from fake_failures import FakeFailures

from docstore_accounts.account.service import AccountService
from docstore_accounts.administration.service import AdministrationService
from docstore_accounts.api_tokens.service import ApiTokenService
from docstore_accounts.invitations.service import InvitationService
from docstore_accounts.passwords.service import PasswordService
from docstore_accounts.profile.service import ProfileService
from docstore_accounts.regions.service import EmailClaims, SingleRegionClaims
from docstore_accounts.registration.service import RegistrationService
from docstore_accounts.resets.service import ResetService
from docstore_accounts.revocation.service import TokenRevoker
from docstore_accounts.sessions.service import SessionService
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.signing_keys.service import KeyRing
from docstore_accounts.verification.service import VerificationService
from docstore_contracts.metadata import MetadataClient
from docstore_contracts.quota import QuotaClient
from docstore_events.testing import FakeTransactor
from docstore_events.transaction import Transactor
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.throttle import Throttle
from docstore_platform.security.tokens import Principal


@dataclass
class World:
    """The use cases on fakes, and a hand on everything behind them."""

    settings: AccountsSettings
    clock: FakeClock = field(default_factory=FakeClock)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    sessions: FakeSessions = field(default_factory=FakeSessions)
    api_tokens: FakeApiTokens = field(default_factory=FakeApiTokens)
    metadata: FakeMetadata = field(default_factory=FakeMetadata)
    revocations: FakeRevocations = field(default_factory=FakeRevocations)
    devices: FakeDevices = field(default_factory=FakeDevices)
    claims: EmailClaims = field(default_factory=SingleRegionClaims)
    keys: FakeKeys = field(default_factory=FakeKeys)
    failures: FakeFailures = field(default_factory=FakeFailures)
    verifications: FakeVerifications = field(default_factory=FakeVerifications)
    resets: FakeResets = field(default_factory=FakeResets)
    transactor: FakeTransactor = field(default_factory=FakeTransactor)

    def __post_init__(self) -> None:
        self.invitation_counts = FakePeriodCounts(self.clock)
        self.configure(self.settings)

    def configure(self, settings: AccountsSettings) -> None:
        """Start the service again with other settings and the same data."""
        self.settings = settings
        self.passwords = Passwords(settings)
        window = timedelta(minutes=15)
        self.throttle = Throttle(self.failures, limit=3, limit_everywhere=10, window=window, clock=self.clock)
        self.ring = self.another_ring()
        transactor = cast(Transactor, self.transactor)
        self.verification = VerificationService(
            settings,
            transactor,
            self.verifications,
            self.accounts,
            self.clock,
        )
        self.revoker = TokenRevoker(
            self.revocations,
            self.sessions,
            self.api_tokens,
            token_seconds=settings.access_token_lifetime_seconds,
            clock=self.clock,
            wakeup_name="revocations",
        )
        self.invitations = InvitationService(
            settings,
            transactor,
            self.invitation_counts,
            self.clock,
        )
        self.service = AccountService(transactor, self.accounts, self.revoker)
        self.registration = RegistrationService(
            settings,
            transactor,
            self.service,
            self.accounts,
            self.passwords,
            self.claims,
            self.verification,
            self.invitations,
            self.clock,
        )
        own_passwords = PasswordService(
            settings, transactor, self.accounts, self.revoker, self.passwords, self.throttle, self.clock
        )
        self.profile = ProfileService(
            self.service, own_passwords, QuotaClient(FakeQuota()), self_service_plans=settings.self_service_plans
        )
        self.programs = ApiTokenService(
            transactor,
            self.service,
            self.accounts,
            self.sessions,
            self.api_tokens,
            self.revoker,
            self.ring,
            MetadataClient(self.metadata),
            self.clock,
        )
        self.administration = AdministrationService(transactor, self.service, self.accounts)
        self.logins = SessionService(
            settings,
            transactor,
            self.accounts,
            self.sessions,
            self.revoker,
            self.devices,
            self.passwords,
            self.throttle,
            self.ring,
            self.claims,
            self.clock,
        )

        self.forgotten = ResetService(
            settings,
            self.resets,
            transactor,
            self.service,
            self.accounts,
            self.revoker,
            self.devices,
            self.passwords,
            self.throttle,
            self.claims,
            self.verification,
            self.clock,
            wakeup_name="resets",
        )

    def another_ring(self) -> KeyRing:
        """The signing side of one more instance."""
        return KeyRing(
            self.keys,
            issuer="docstore",
            token_seconds=self.settings.access_token_lifetime_seconds,
            rotation_seconds=self.settings.key_rotation_interval_seconds,
            clock=self.clock,
            monotonic=lambda: self.clock.now.timestamp(),
        )

    async def caller(self, role: str = "user") -> Principal:
        """A signed-up person, logged in."""
        email = f"{len(self.accounts.rows)}@example.org"
        await self.registration.sign_up(email, "correct horse", role=role)  # type: ignore[arg-type]
        tokens = await self.logins.log_in(email, "correct horse", address="1.2.3.4")
        session = list(self.sessions.rows.values())[-1]
        return Principal(tokens.account.id, session.id, tokens.account.role, session.device)
