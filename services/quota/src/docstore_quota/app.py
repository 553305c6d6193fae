"""The quota service put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transactor
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.plans import AccountPlans
from docstore_platform.web import service_app
from docstore_quota import maintenance
from docstore_quota.api import internal_router, public_router
from docstore_quota.jobs import MongoDrifts, MongoJobs
from docstore_quota.reconciler import MetadataClient, Reconciler
from docstore_quota.service import QuotaService
from docstore_quota.settings import QuotaSettings
from docstore_quota.storage import MongoAccounts
from docstore_quota.subscribers import QuotaSubscribers


def create_app(settings: QuotaSettings | None = None) -> FastAPI:
    """The service, ready to be served; its lifespan opens and closes what it needs."""
    settings = settings or QuotaSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-quota")
    database = mongo.database(f"{infra.database_prefix}quota")
    accounts = MongoAccounts(database)
    transactor = Transactor(mongo, database, "quota", infra.topic_prefix)
    owner = ServiceClient("accounts", infra, "quota")
    service = QuotaService(accounts, AccountPlans(owner), transactor, settings)
    runtime = EventRuntime("quota", infra, mongo, database, QuotaSubscribers(service))
    metadata = ServiceClient("metadata", infra, "quota")
    jobs, drifts = MongoJobs(database, settings.lease_seconds), MongoDrifts(database)
    reconciler = Reconciler(service, MetadataClient(metadata), drifts, jobs, runtime.dead_letters, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await accounts.create_indexes()
        await drifts.create_indexes()
        tasks: dict[str, maintenance.Task] = {
            "totals": service.totals,
            "expiry": maintenance.leased(jobs, "expiry", settings.sweep_seconds, service.expire_reservations),
            "reconcile": reconciler.run_due,
        }
        try:
            async with runtime.running(), maintenance.running(tasks, settings.sweep_seconds):
                yield
        finally:
            await owner.close()
            await metadata.close()
            mongo.close()

    return service_app(
        "quota",
        infra,
        lifespan=lifespan,
        public=[public_router(service)],
        internal=[internal_router(service, reconciler), operations_router(runtime, database, waiting=("upload",))],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
