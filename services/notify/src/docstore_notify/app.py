"""The notify service put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI

from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_notify.api import preferences_router, subscriptions_router
from docstore_notify.attempts import Channel, Trier
from docstore_notify.channels import MachineChannel, open_channels
from docstore_notify.counts import MongoCounts
from docstore_notify.delivery_store import MongoDeliveries
from docstore_notify.domain import ChannelName, Delivery
from docstore_notify.email_channel import EmailChannel
from docstore_notify.files import MetadataFiles
from docstore_notify.following import Following
from docstore_notify.in_app_channel import InAppChannel
from docstore_notify.inbox_api import inbox_router
from docstore_notify.inbox_store import MongoInbox
from docstore_notify.lane_sender import LaneSender
from docstore_notify.lane_store import MongoLanes
from docstore_notify.marking import Marker
from docstore_notify.notices import NoticeBook
from docstore_notify.phone_limit import PhoneLimit
from docstore_notify.rechecks import MongoRechecks, Rechecker
from docstore_notify.rendering import Renderer
from docstore_notify.sender import Sender
from docstore_notify.service import NotifyService
from docstore_notify.settings import NotifySettings
from docstore_notify.share_limits import MongoShareLimits
from docstore_notify.share_store import MongoShares
from docstore_notify.storage import MongoContacts, MongoPreferences
from docstore_notify.subscribers import NotifySubscribers
from docstore_notify.subscription_store import MongoSubscriptions
from docstore_notify.transports import open_transport
from docstore_notify.unsubscribe import Tokens, Unsubscribing
from docstore_notify.unsubscribe_api import unsubscribe_router
from docstore_notify.validity import Validity
from docstore_notify.worker import Worker
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo, server_time
from docstore_platform.secret_list import secret_list
from docstore_platform.web import service_app


def create_app(
    settings: NotifySettings | None = None,
    machine_channels: dict[ChannelName, MachineChannel] | None = None,
) -> FastAPI:
    """The service, ready to be served; its lifespan opens and closes what it needs."""
    settings = settings or NotifySettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-notify")
    database = mongo.database(f"{infra.database_prefix}notify")
    metadata = ServiceClient("metadata", infra, "notify")
    files = MetadataFiles(metadata)
    contacts, preferences = MongoContacts(database), MongoPreferences(database)
    subscriptions, deliveries, lanes = MongoSubscriptions(database), MongoDeliveries(database), MongoLanes(database)
    inbox, rechecks = MongoInbox(database), MongoRechecks(database)
    shares, limits = MongoShares(database), MongoShareLimits(database)
    sending, checking = f"deliveries:{database.name}", f"rechecks:{database.name}"

    pause, run_pause = timedelta(seconds=settings.digest_seconds), timedelta(seconds=settings.upload_quiet_seconds)
    book = NoticeBook(preferences, deliveries, lanes, inbox, pause, run_pause, sending)
    service = NotifyService(contacts, subscriptions, shares, limits, lanes, rechecks, book, checking)
    runtime = EventRuntime("notify", infra, mongo, database, NotifySubscribers(service))

    tokens = Tokens(secret_list("NOTIFY_UNSUBSCRIBE_SECRET", settings.unsubscribe_secret, infra))

    def unsubscribe_url(delivery: Delivery) -> str:
        return f"{infra.public_url}/v1/unsubscribe?token={quote(tokens.of(delivery))}"

    transport = open_transport(settings)
    renderer = Renderer(settings.sender, infra, unsubscribe_url)
    email = EmailChannel(contacts, renderer, transport)
    machines = open_channels(settings) if machine_channels is None else machine_channels
    texts = MongoCounts(database, "text_messages", timedelta(days=1))
    tests = MongoCounts(database, "tests", timedelta(hours=1))
    channels: dict[ChannelName, Channel] = {
        "email": email,
        "in_app": InAppChannel(inbox, runtime.transactor),
        **machines,
    }
    if "sns" in machines:
        channels["sns"] = PhoneLimit(machines["sns"], texts, settings.max_texts_a_day)
    trier = Trier(channels, Validity(files, shares, partial(server_time, database)), settings.send_seconds)
    marker = Marker(deliveries, runtime.transactor, settings)
    following = Following(subscriptions, deliveries, lanes, files, trier, marker, tests, settings)
    unsubscribing = Unsubscribing(tokens, subscriptions, preferences, deliveries, shares)

    sender = Sender(deliveries, trier, marker, settings)
    lane_sender = LaneSender(lanes, deliveries, subscriptions, trier, marker, book, runtime.transactor, settings)
    rechecker = Rechecker(rechecks, subscriptions, lanes, files)
    poll_seconds = settings.poll_seconds
    workers: list[Worker[Any]] = [
        Worker("sender", sender, parallel=settings.parallel, poll_seconds=poll_seconds, wakeup_name=sending),
        Worker(
            "lanes", lane_sender, parallel=settings.machine_parallel, poll_seconds=poll_seconds, wakeup_name=sending
        ),
        Worker("rechecks", rechecker, parallel=1, poll_seconds=10 * poll_seconds, wakeup_name=checking),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for store in (subscriptions, deliveries, lanes, inbox, rechecks, limits, texts, tests):
            await store.create_indexes()
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(runtime.running())
                for worker in workers:
                    await stack.enter_async_context(worker.running())
                yield
        finally:
            for channel in machines.values():
                await channel.close()
            await transport.close()
            await metadata.close()
            mongo.close()

    return service_app(
        "notify",
        infra,
        lifespan=lifespan,
        public=[
            subscriptions_router(following),
            preferences_router(preferences),
            inbox_router(inbox),
            unsubscribe_router(unsubscribing),
        ],
        internal=[operations_router(runtime, database, waiting=("upload",), unsettled=deliveries.untold)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
