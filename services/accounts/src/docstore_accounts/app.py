"""Wires the accounts service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from docstore_accounts import api, resets_api
from docstore_accounts.claims import Emails, OneRegion
from docstore_accounts.devices import MongoDevices
from docstore_accounts.invitations.api import router as invitations_router
from docstore_accounts.invitations.repository import MongoInvitationCounts
from docstore_accounts.invitations.service import InvitationService
from docstore_accounts.keys import KeyRing
from docstore_accounts.peering import Peering
from docstore_accounts.reset_store import MongoResets
from docstore_accounts.resets import ResetService
from docstore_accounts.revocation import api as revocation_api
from docstore_accounts.revocation.repository import MongoRevocations
from docstore_accounts.revocation.service import RevocationFeed, TokenRevoker
from docstore_accounts.service import AccountService
from docstore_accounts.sessions import SessionService
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.storage import MongoAccounts, MongoKeys, MongoSessions
from docstore_accounts.verification.api import router as verification_router
from docstore_accounts.verification.repository import MongoVerifications
from docstore_accounts.verification.service import VerificationService
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transactor
from docstore_platform.clock import utc_now
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo, PyMongoError
from docstore_platform.passwords import Passwords
from docstore_platform.problems import Problem
from docstore_platform.settings import ServiceName
from docstore_platform.stopping import on_stopping
from docstore_platform.tasks import end_tasks
from docstore_platform.throttle import MongoFailures, Throttle
from docstore_platform.tokens import TokenVerifier
from docstore_platform.web import Check, service_app
from docstore_work.loop import Loop, running_loops

NAME: ServiceName = "accounts"
ADMIN_RETRY_SECONDS = 1.0
REVOCATION_POLL_SECONDS = 0.5
"""Revocations by other instances are looked for this often while a gateway waits for some."""
ALONE_POLL_SECONDS = 30.0
"""The same where there is no other instance: its own transactions wake it."""


def create_app(settings: AccountsSettings | None = None) -> FastAPI:
    """The accounts service, ready to be served."""
    settings = settings or AccountsSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    transactor = Transactor(mongo, database, NAME, infra.topic_prefix)
    accounts, sessions, devices = MongoAccounts(database), MongoSessions(database), MongoDevices(database)
    signing_keys, failures = MongoKeys(database), MongoFailures(database, "login_failures")
    resets, forgotten = MongoResets(database), f"password-resets:{database.name}"
    verifications, invitation_counts = MongoVerifications(database), MongoInvitationCounts(database)
    revocations, revoked = MongoRevocations(database), f"revocations:{database.name}"
    peering = Peering(settings, database, transactor, accounts) if settings.peers else None
    emails: Emails = peering.emails if peering else OneRegion()
    runtime = EventRuntime(NAME, infra, mongo, database, peering.subscribers if peering else None)
    checks: dict[str, Check] = {"mongo": mongo.ping}
    if peering:
        checks["consumer"] = runtime.check_consumer

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            tokens = (signing_keys, resets, verifications, revocations)
            for store in (accounts, sessions, failures, invitation_counts, devices, *tokens):
                await store.create_indexes()
            quota = ServiceClient("quota", infra, NAME)
            stack.push_async_callback(quota.close)
            passwords = Passwords(settings)
            stack.callback(passwords.close)
            window = timedelta(seconds=settings.login_failure_seconds)
            throttle = Throttle(
                failures,
                limit=settings.login_failures,
                limit_everywhere=settings.login_failures_everywhere,
                window=window,
                clock=utc_now,
            )
            keys = KeyRing(
                signing_keys,
                issuer=infra.issuer,
                token_seconds=settings.access_token_seconds,
                rotation_seconds=settings.key_rotation_seconds,
                clock=utc_now,
            )
            revoker = TokenRevoker(
                revocations,
                sessions,
                token_seconds=settings.access_token_seconds,
                clock=utc_now,
                wakeup_name=revoked,
            )
            feed = app.state.revocations = RevocationFeed(revocations, clock=utc_now)
            stack.callback(on_stopping(feed.stop))
            verification = VerificationService(settings, transactor, verifications, accounts, utc_now)
            app.state.verification = verification
            invitations = InvitationService(settings, transactor, invitation_counts, utc_now)
            app.state.invitations = invitations
            service = AccountService(
                settings,
                transactor,
                accounts,
                revoker,
                passwords,
                throttle,
                emails,
                verification,
                invitations,
                utc_now,
            )
            app.state.accounts = service
            app.state.sessions = SessionService(
                settings,
                transactor,
                accounts,
                sessions,
                revoker,
                devices,
                passwords,
                throttle,
                keys,
                emails,
                utc_now,
            )
            app.state.resets = ResetService(
                settings,
                resets,
                transactor,
                service,
                accounts,
                revoker,
                passwords,
                throttle,
                emails,
                verification,
                utc_now,
                wakeup_name=forgotten,
            )
            app.state.keys = keys
            app.state.quota = quota
            app.state.verifier = TokenVerifier(keys.public_keys, infra.issuer)
            if peering:
                await peering.create_indexes()
                await stack.enter_async_context(peering.running())
            await stack.enter_async_context(runtime.running())
            await keys.prepare()
            await stack.enter_async_context(_first_admin(service))
            answers = Loop("accounts resets", app.state.resets.answer_next, forgotten, settings.reset_poll_seconds)
            poll_seconds = ALONE_POLL_SECONDS if infra.single_instance else REVOCATION_POLL_SECONDS
            reading = Loop("accounts revocations", feed.read_new, revoked, poll_seconds)
            await stack.enter_async_context(running_loops([answers, reading]))
            yield

    app = service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[api.router, resets_api.router, verification_router, invitations_router],
        internal=[api.internal_router, revocation_api.router, operations_router(runtime, database)],
        needs={"mongodb": mongo.check},
        checks=checks,
    )
    if peering:
        app.include_router(peering.router, include_in_schema=False)
    api.install_refusals(app)
    return app


@asynccontextmanager
async def _first_admin(service: AccountService) -> AsyncIterator[None]:
    """See to the first administrator: at once, or as soon as the region can be asked that knows of the e-mail."""
    if await service.make_first_admin():
        yield
        return

    async def keep_trying() -> None:
        while True:
            await asyncio.sleep(ADMIN_RETRY_SECONDS)
            with contextlib.suppress(Problem, PyMongoError):
                if await service.make_first_admin():
                    return

    trying = asyncio.create_task(keep_trying(), name="first administrator")
    try:
        yield
    finally:
        await end_tasks([trying])
