"""Composition root of the quota service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from docstore_contracts.accounts import AccountsClient
from docstore_contracts.metadata import MetadataClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_platform.consistency import consistency_router
from docstore_platform.domain.plans import AccountPlans
from docstore_platform.mongodb.client import Mongo
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient
from docstore_quota.api import public_router, reservations_router, usage_router
from docstore_quota.consistency.repository import MongoDrifts
from docstore_quota.consistency.service import Reconciler
from docstore_quota.repository import MongoAccounts
from docstore_quota.service import QuotaService
from docstore_quota.settings import QuotaSettings
from docstore_quota.subscribers import QuotaSubscribers
from docstore_work.leader_lease import LeaderLease
from docstore_work.lease_queue import LeaseQueue
from docstore_work.loop import Loop, running_loops


def create_app(settings: QuotaSettings | None = None) -> FastAPI:
    """Create the service; its lifespan opens and closes its resources."""
    settings = settings or QuotaSettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-quota")
    database = mongo.database(f"{infra.database_prefix}quota")
    accounts = MongoAccounts(database)
    runtime = EventRuntime("quota", infra, mongo, database)
    owner = ServiceClient("accounts", infra, "quota")
    service = QuotaService(accounts, AccountPlans(AccountsClient(owner)), runtime.transactor, settings)
    runtime.subscribe(QuotaSubscribers(service))
    metadata = ServiceClient("metadata", infra, "quota")
    drifts = MongoDrifts(database)
    queue = LeaseQueue(database["jobs"], "quota comparison", lease_seconds=settings.lease_seconds)
    expiring = LeaderLease(database["leases"], "expiry", seconds=settings.lease_seconds)
    reconciler = Reconciler(service, MetadataClient(metadata), drifts, queue, runtime.dead_letters, settings)

    async def expire() -> None:
        if await expiring.hold():
            await service.expire_reservations()

    loops = [
        Loop.periodic("quota totals", service.totals, settings.sweep_interval_seconds),
        Loop.periodic("quota expiry", expire, settings.sweep_interval_seconds),
        Loop.periodic("quota comparison", reconciler.run_due, settings.sweep_interval_seconds),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await accounts.create_indexes()
        await drifts.create_indexes()
        await reconciler.prepare()
        try:
            async with runtime.running(), running_loops(loops):
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
        internal=[
            reservations_router(service),
            usage_router(service, reconciler),
            consistency_router({"usage": reconciler.check}),
            operations_router(runtime, database, waiting=("upload",)),
        ],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
