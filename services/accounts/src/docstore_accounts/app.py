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
from docstore_platform.clock import utc_now
from docstore_platform.http.server.stopping import on_stopping
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.period_counts import MongoPeriodCounts
from docstore_platform.security.throttle import MongoFailures, Throttle
from docstore_platform.services import ServiceName
from docstore_platform.web import Check, service_app
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

    accounts, sessions, devices = MongoAccounts(database), MongoSessions(database), MongoDevices(database)
    api_tokens = MongoApiTokens(database)
    signing_keys, failures = MongoKeys(database), MongoFailures(database, "login_failures")
    resets = MongoResets(database, lease_seconds=settings.reset_lease_seconds)
    verifications, revocations = MongoVerifications(database), MongoRevocations(database)
    invitation_counts = MongoPeriodCounts(database["invitation_counts"], INVITATION_PERIOD)
    reset_wakeup, revocation_wakeup = f"password-resets:{database.name}", f"revocations:{database.name}"

    regions = Regions(settings, database, transactor, accounts) if settings.peers else None
    claims: EmailClaims = regions.claims if regions else SingleRegionClaims()
    checks: dict[str, Check] = {"mongo": mongo.ping}
    if regions:
        runtime.subscribe(regions.subscribers)
        checks["consumer"] = runtime.check_consumer

    quota, metadata = ServiceClient("quota", infra, NAME), ServiceClient("metadata", infra, NAME)
    passwords = Passwords(settings)
    throttle = Throttle(
        failures,
        limit=settings.login_failures,
        limit_everywhere=settings.login_failures_everywhere,
        window=timedelta(seconds=settings.login_failure_window_seconds),
        clock=utc_now,
    )
    keys = KeyRing(
        signing_keys,
        issuer=infra.issuer,
        token_seconds=settings.access_token_lifetime_seconds,
        rotation_seconds=settings.key_rotation_interval_seconds,
        clock=utc_now,
    )
    revoker = TokenRevoker(
        revocations,
        sessions,
        api_tokens,
        token_seconds=settings.access_token_lifetime_seconds,
        clock=utc_now,
        wakeup_name=revocation_wakeup,
    )
    feed = RevocationFeed(revocations, clock=utc_now)
    service = AccountService(transactor, accounts, revoker)
    verification = VerificationService(settings, transactor, verifications, accounts, utc_now)
    invitations = InvitationService(settings, transactor, invitation_counts, utc_now)
    registration = RegistrationService(
        settings, transactor, service, accounts, passwords, claims, verification, invitations, utc_now
    )
    own_passwords = PasswordService(settings, transactor, accounts, revoker, passwords, throttle, utc_now)
    profile = ProfileService(service, own_passwords, QuotaClient(quota), self_service_plans=settings.self_service_plans)
    administration = AdministrationService(transactor, service, accounts)
    logins = SessionService(
        settings, transactor, accounts, sessions, revoker, devices, passwords, throttle, keys, claims, utc_now
    )
    programs = ApiTokenService(
        transactor, service, accounts, sessions, api_tokens, revoker, keys, MetadataClient(metadata), utc_now
    )
    forgotten = ResetService(
        settings,
        resets,
        transactor,
        service,
        accounts,
        revoker,
        passwords,
        throttle,
        claims,
        verification,
        utc_now,
        wakeup_name=reset_wakeup,
    )
    loops = [
        Loop("accounts resets", forgotten.handle_next, reset_wakeup, settings.reset_interval_seconds),
        Loop(
            "accounts revocations",
            feed.read_new,
            revocation_wakeup,
            SINGLE_INSTANCE_POLL_SECONDS if infra.single_instance else REVOCATION_POLL_SECONDS,
        ),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            stack.push_async_callback(quota.close)
            stack.push_async_callback(metadata.close)
            stack.callback(passwords.close)
            stack.callback(on_stopping(feed.stop))
            tokens = (signing_keys, resets, verifications, revocations, api_tokens)
            for store in (accounts, sessions, devices, failures, invitation_counts, *tokens):
                await store.create_indexes()
            if regions:
                await stack.enter_async_context(regions.running())
            await stack.enter_async_context(runtime.running())
            await keys.prepare()
            await stack.enter_async_context(creating_first_admin(registration))
            await stack.enter_async_context(running_loops(loops))
            yield

    app = service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[
            registration_router(registration),
            sessions_router(logins),
            api_tokens_api.api_tokens_router(programs),
            profile_router(profile),
            administration_router(administration),
            resets_router(forgotten),
            verification_router(verification),
            invitations_router(invitations, service),
            region_list_router(regions.monitor if regions else RegionMonitor(this_region(infra))),
        ],
        internal=[
            signing_keys_api.internal_router(keys),
            account_api.internal_router(service),
            revocation_api.internal_router(feed),
            sessions_api.internal_router(logins),
            api_tokens_api.internal_router(programs),
            operations_router(runtime, database),
        ],
        needs={"mongodb": mongo.check},
        checks=checks,
        fetch_keys=keys.public_keys,
    )
    if regions:
        app.router.routes.extend(regions.router(forgotten.receive).routes)
    return app
