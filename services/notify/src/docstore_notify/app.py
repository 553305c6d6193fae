"""The notify service put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_notify.api import public_router
from docstore_notify.delivery_store import MongoDeliveries
from docstore_notify.email_channel import EmailChannel
from docstore_notify.rendering import Renderer
from docstore_notify.sender import Sender
from docstore_notify.service import MetadataFiles, NotifyService
from docstore_notify.settings import NotifySettings
from docstore_notify.storage import MongoContacts, MongoPreferences, MongoSubscriptions
from docstore_notify.subscribers import NotifySubscribers
from docstore_notify.transports import open_transport
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo
from docstore_platform.web import service_app


def create_app(settings: NotifySettings | None = None) -> FastAPI:
    """The service, ready to be served; its lifespan opens and closes what it needs."""
    settings = settings or NotifySettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-notify")
    database = mongo.database(f"{infra.database_prefix}notify")
    contacts, subscriptions = MongoContacts(database), MongoSubscriptions(database)
    deliveries = MongoDeliveries(database)
    metadata = ServiceClient("metadata", infra)
    wakeup_name = f"deliveries:{database.name}"
    service = NotifyService(
        contacts,
        subscriptions,
        MongoPreferences(database),
        deliveries,
        MetadataFiles(metadata),
        settings,
        wakeup_name,
    )
    runtime = EventRuntime("notify", infra, mongo, database, NotifySubscribers(service))
    transport = open_transport(settings)
    email = EmailChannel(contacts, Renderer(settings.sender, infra.public_url), transport)
    sender = Sender(deliveries, {"email": email}, runtime.transactor, settings, wakeup_name)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await subscriptions.create_indexes()
        await deliveries.create_indexes()
        try:
            async with runtime.running(), sender.running():
                yield
        finally:
            await transport.close()
            await metadata.close()
            mongo.close()

    return service_app(
        "notify",
        infra,
        lifespan=lifespan,
        public=[public_router(service)],
        internal=[operations_router(runtime, database, unsettled=deliveries.untold)],
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
