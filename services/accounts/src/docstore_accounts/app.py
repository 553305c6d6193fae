"""Composition root of the accounts service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from docstore_accounts.account import api as account_api
from docstore_accounts.account.repository import MongoAccounts
from docstore_accounts.account.service import AccountService
from docstore_accounts.administration.api import administration_router
from docstore_accounts.administration.service import AdministrationService
from docstore_accounts.api_tokens import api as api_tokens_api
from docstore_accounts.api_tokens.repository import MongoApiTokens
from docstore_accounts.api_tokens.service import ApiTokenService
from docstore_accounts.invitations.api import invitations_router
from docstore_accounts.invitations.service import INVITATION_PERIOD, InvitationService
from docstore_accounts.passwords.service import PasswordService
from docstore_accounts.profile.api import profile_router
from docstore_accounts.profile.service import ProfileService
from docstore_accounts.regions.api import region_list_router
from docstore_accounts.regions.monitor import RegionMonitor
from docstore_accounts.regions.service import EmailClaims, SingleRegionClaims
from docstore_accounts.regions.wiring import Regions, this_region
from docstore_accounts.registration.api import registration_router
from docstore_accounts.registration.service import RegistrationService
from docstore_accounts.registration.worker import creating_first_admin
from docstore_accounts.resets.api import resets_router
from docstore_accounts.resets.repository import MongoResets
from docstore_accounts.resets.service import ResetService
from docstore_accounts.revocation import api as revocation_api
from docstore_accounts.revocation.repository import MongoRevocations
from docstore_accounts.revocation.service import RevocationFeed, TokenRevoker
from docstore_accounts.sessions import api as sessions_api
from docstore_accounts.sessions.api import sessions_router
from docstore_accounts.sessions.repository import MongoDevices, MongoSessions
from docstore_accounts.sessions.service import SessionService
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.signing_keys import api as signing_keys_api
from docstore_accounts.signing_keys.repository import MongoKeys
from docstore_accounts.signing_keys.service import KeyRing
from docstore_accounts.verification.api import verification_router
from docstore_accounts.verification.repository import MongoVerifications
from docstore_accounts.verification.service import VerificationService
from docstore_contracts.metadata import MetadataClient
from docstore_contracts.quota import QuotaClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transactor
from docstore_platform.clock import utc_now
from docstore_platform.http.server.stopping import on_stopping
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.period_counts import MongoPeriodCounts
from docstore_platform.security.throttle import MongoFailures, Throttle
from docstore_platform.service.app import Check, service_app
from docstore_platform.service.client import ServiceClient
from docstore_platform.services import ServiceName
from docstore_work.loop import Loop, running_loops

NAME: ServiceName = "accounts"
REVOCATION_POLL_SECONDS = 0.5
"""Poll interval for revocations of other instances while a gateway waits."""
SINGLE_INSTANCE_POLL_SECONDS = 30.0
"""Poll interval of the only instance: its own transactions wake it."""


def create_app(settings: AccountsSettings | None = None) -> FastAPI:
    """Create the accounts service; its lifespan opens and closes its resources."""
    settings = settings or AccountsSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    runtime = EventRuntime(NAME, infra, mongo, database)
    transactor = runtime.transactor
    stores = _Stores(settings, database)
    security = _Security(settings, stores)
    regions = Regions(settings, database, transactor, stores.accounts) if settings.peers else None
    claims: EmailClaims = regions.claims if regions else SingleRegionClaims()
    quota, metadata = ServiceClient("quota", infra, NAME), ServiceClient("metadata", infra, NAME)
    features = _Features(settings, stores, transactor, security, claims, QuotaClient(quota), MetadataClient(metadata))
    checks: dict[str, Check] = {"mongo": mongo.ping}
    if regions:
        runtime.subscribe(regions.subscribers)
        checks["consumer"] = runtime.check_consumer

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.push_async_callback(quota.close)
            stack.push_async_callback(metadata.close)
            stack.callback(security.passwords.close)
            stack.callback(on_stopping(security.feed.stop))
            await stores.create_indexes()
            if regions:
                await stack.enter_async_context(regions.running())
            await stack.enter_async_context(runtime.running())
            await security.keys.prepare()
            await stack.enter_async_context(creating_first_admin(features.registration))
            await stack.enter_async_context(running_loops(_loops(settings, stores, security, features)))
            yield

    app = service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[
            registration_router(features.registration),
            sessions_router(features.sessions),
            api_tokens_api.api_tokens_router(features.api_tokens),
            profile_router(features.profile),
            administration_router(features.administration),
            resets_router(features.resets),
            verification_router(features.verification),
            invitations_router(features.invitations, features.accounts),
            region_list_router(regions.monitor if regions else RegionMonitor(this_region(infra))),
        ],
        internal=[
            signing_keys_api.internal_router(security.keys),
            account_api.internal_router(features.accounts),
            revocation_api.internal_router(security.feed),
            sessions_api.internal_router(features.sessions),
            api_tokens_api.internal_router(features.api_tokens),
            operations_router(runtime, database),
        ],
        needs={"mongodb": mongo.check},
        checks=checks,
        fetch_keys=security.keys.public_keys,
    )
    if regions:
        app.router.routes.extend(regions.router(features.resets.receive).routes)
    return app


class _Stores:
    """The repositories, and the names that wake who works on them."""

    def __init__(self, settings: AccountsSettings, database: Database) -> None:
        self.accounts, self.sessions = MongoAccounts(database), MongoSessions(database)
        self.devices, self.api_tokens = MongoDevices(database), MongoApiTokens(database)
        self.signing_keys, self.failures = MongoKeys(database), MongoFailures(database, "login_failures")
        self.resets = MongoResets(database, lease_seconds=settings.reset_lease_seconds)
        self.verifications, self.revocations = MongoVerifications(database), MongoRevocations(database)
        self.invitation_counts = MongoPeriodCounts(database["invitation_counts"], INVITATION_PERIOD)
        self.reset_wakeup, self.revocation_wakeup = f"password-resets:{database.name}", f"revocations:{database.name}"

    async def create_indexes(self) -> None:
        logins = self.accounts, self.sessions, self.devices, self.failures, self.invitation_counts
        tokens = self.signing_keys, self.resets, self.verifications, self.revocations, self.api_tokens
        for store in (*logins, *tokens):
            await store.create_indexes()


class _Security:
    """What use cases check passwords with, and sign and revoke tokens."""

    def __init__(self, settings: AccountsSettings, stores: _Stores) -> None:
        token_seconds = settings.access_token_lifetime_seconds
        self.passwords = Passwords(settings)
        self.throttle = Throttle(
            stores.failures,
            limit=settings.login_failures,
            limit_everywhere=settings.login_failures_everywhere,
            window=timedelta(seconds=settings.login_failure_window_seconds),
            clock=utc_now,
        )
        self.keys = KeyRing(
            stores.signing_keys,
            issuer=settings.infra.issuer,
            token_seconds=token_seconds,
            rotation_seconds=settings.key_rotation_interval_seconds,
            clock=utc_now,
        )
        self.revoker = TokenRevoker(
            stores.revocations,
            stores.sessions,
            stores.api_tokens,
            token_seconds=token_seconds,
            clock=utc_now,
            wakeup_name=stores.revocation_wakeup,
        )
        self.feed = RevocationFeed(stores.revocations, clock=utc_now)


class _Features:
    """The use cases, each built on those above it."""

    def __init__(
        self,
        settings: AccountsSettings,
        stores: _Stores,
        transactor: Transactor,
        security: _Security,
        claims: EmailClaims,
        quota: QuotaClient,
        metadata: MetadataClient,
    ) -> None:
        accounts, sessions, api_tokens = stores.accounts, stores.sessions, stores.api_tokens
        devices = stores.devices
        passwords, throttle = security.passwords, security.throttle
        revoker, keys = security.revoker, security.keys
        service = self.accounts = AccountService(transactor, accounts, revoker)
        verification = VerificationService(settings, transactor, stores.verifications, accounts, utc_now)
        invitations = InvitationService(settings, transactor, stores.invitation_counts, utc_now)
        self.verification, self.invitations = verification, invitations
        self.registration = RegistrationService(
            settings, transactor, service, accounts, passwords, claims, verification, invitations, utc_now
        )
        own_passwords = PasswordService(settings, transactor, accounts, revoker, passwords, throttle, utc_now)
        self.profile = ProfileService(service, own_passwords, quota, self_service_plans=settings.self_service_plans)
        self.administration = AdministrationService(transactor, service, accounts)
        self.sessions = SessionService(
            settings, transactor, accounts, sessions, revoker, devices, passwords, throttle, keys, claims, utc_now
        )
        self.api_tokens = ApiTokenService(
            transactor, service, accounts, sessions, api_tokens, revoker, keys, metadata, utc_now
        )
        self.resets = ResetService(
            settings,
            stores.resets,
            transactor,
            service,
            accounts,
            revoker,
            devices,
            passwords,
            throttle,
            claims,
            verification,
            utc_now,
            wakeup_name=stores.reset_wakeup,
        )


def _loops(settings: AccountsSettings, stores: _Stores, security: _Security, features: _Features) -> list[Loop]:
    single = settings.infra.single_instance
    poll_seconds = SINGLE_INSTANCE_POLL_SECONDS if single else REVOCATION_POLL_SECONDS
    reset_work = features.resets.handle_next
    return [
        Loop("accounts resets", reset_work, stores.reset_wakeup, settings.reset_interval_seconds),
        Loop("accounts revocations", security.feed.read_new, stores.revocation_wakeup, poll_seconds),
    ]
