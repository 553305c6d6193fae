"""Wires the accounts service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from docstore_accounts import api
from docstore_accounts.keys import KeyRing
from docstore_accounts.passwords import Passwords
from docstore_accounts.service import AccountService
from docstore_accounts.sessions import SessionService
from docstore_accounts.settings import AccountsSettings
from docstore_accounts.storage import MongoAccounts, MongoFailures, MongoKeys, MongoSessions
from docstore_accounts.throttle import Throttle
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_platform.clock import utc_now
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.settings import ServiceName
from docstore_platform.tokens import TokenVerifier
from docstore_platform.web import service_app

NAME: ServiceName = "accounts"


def create_app(settings: AccountsSettings | None = None) -> FastAPI:
    """The accounts service, ready to be served."""
    settings = settings or AccountsSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name=f"docstore-{NAME}")
    database = mongo.database(f"{infra.database_prefix}{NAME}")
    runtime = EventRuntime(NAME, infra, mongo, database)
    accounts, sessions = MongoAccounts(database), MongoSessions(database)
    signing_keys, failures = MongoKeys(database), MongoFailures(database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(mongo.close)
            for store in (accounts, sessions, signing_keys, failures):
                await store.create_indexes()
            quota = ServiceClient("quota", infra)
            stack.push_async_callback(quota.close)
            passwords = Passwords(settings)
            stack.callback(passwords.close)
            window = timedelta(seconds=settings.login_failure_seconds)
            throttle = Throttle(failures, limit=settings.login_failures, window=window, clock=utc_now)
            keys = KeyRing(
                signing_keys,
                issuer=infra.issuer,
                token_seconds=settings.access_token_seconds,
                rotation_seconds=settings.key_rotation_seconds,
                clock=utc_now,
            )
            service = AccountService(settings, runtime.transactor, accounts, sessions, passwords, throttle, utc_now)
            app.state.accounts = service
            app.state.sessions = SessionService(settings, accounts, sessions, passwords, throttle, keys, utc_now)
            app.state.keys = keys
            app.state.quota = quota
            app.state.verifier = TokenVerifier(keys.public_keys, infra.issuer)
            await stack.enter_async_context(runtime.running())
            await keys.prepare()
            await service.make_first_admin()
            yield

    app = service_app(
        NAME,
        infra,
        lifespan=lifespan,
        public=[api.router],
        internal=[api.internal_router, operations_router(runtime, database)],
        checks={"mongo": mongo.ping},
    )
    api.install_refusals(app)
    return app
