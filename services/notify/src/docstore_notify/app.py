"""Composition root of the notify service."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI

from docstore_contracts.accounts import AccountsClient
from docstore_contracts.metadata import MetadataClient
from docstore_events.operations import operations_router
from docstore_events.runtime import EventRuntime
from docstore_events.transaction import Transactor
from docstore_notify.channels.aws_services.text_messages import TextMessages
from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.mail.rendering import Renderer
from docstore_notify.channels.push import PushChannel, vapid_keys
from docstore_notify.channels.registry import REGISTRY
from docstore_notify.channels.sms import SmsChannel
from docstore_notify.claim_worker import ClaimWorker
from docstore_notify.contacts.repository import MongoContacts
from docstore_notify.deliveries.attempt import DeliveryAttempt
from docstore_notify.deliveries.outcome_recorder import OutcomeRecorder
from docstore_notify.deliveries.planner import DeliveryPlanner
from docstore_notify.deliveries.queue_repository import MongoSubscriptionQueues
from docstore_notify.deliveries.repository import MongoDeliveries
from docstore_notify.deliveries.validity import Validity
from docstore_notify.deliveries.worker import DeliveryWorker
from docstore_notify.domain import Delivery
from docstore_notify.inbox.api import inbox_router
from docstore_notify.inbox.repository import MongoInbox
from docstore_notify.notices.service import NotifyService
from docstore_notify.phone.api import phone_router
from docstore_notify.phone.repository import MongoPhones
from docstore_notify.phone.rules import CODE_DIGITS
from docstore_notify.phone.service import PhoneService
from docstore_notify.preferences.api import preferences_router
from docstore_notify.preferences.repository import MongoPreferences
from docstore_notify.push_subscriptions.api import push_router
from docstore_notify.push_subscriptions.repository import MongoPushSubscriptions
from docstore_notify.push_subscriptions.service import PushSubscriptionService
from docstore_notify.rechecks.repository import MongoRechecks
from docstore_notify.rechecks.worker import RecheckWorker
from docstore_notify.settings import NotifySettings
from docstore_notify.shares.repository import MongoShareLimits, MongoShares
from docstore_notify.subscribers import NotifySubscribers
from docstore_notify.subscriptions.api import subscription_deliveries_router, subscriptions_router
from docstore_notify.subscriptions.queue_worker import SubscriptionQueueWorker
from docstore_notify.subscriptions.repository import MongoSubscriptions
from docstore_notify.subscriptions.service import SubscriptionService
from docstore_notify.unsubscribe.api import unsubscribe_router
from docstore_notify.unsubscribe.service import UnsubscribeService
from docstore_notify.unsubscribe.tokens import UnsubscribeTokens
from docstore_platform.mongodb.client import Database, Mongo, server_time
from docstore_platform.security.mailed_links import TypedCodes
from docstore_platform.security.period_counts import MongoPeriodCounts
from docstore_platform.security.secret_list import secret_list
from docstore_platform.service.app import service_app
from docstore_platform.service.client import ServiceClient


def create_app(
    settings: NotifySettings | None = None,
    replaced_channels: Mapping[str, Channel] | None = None,
) -> FastAPI:
    """Create the service; its lifespan opens and closes its resources. `replaced_channels`: for tests."""
    settings = settings or NotifySettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-notify")
    database = mongo.database(f"{infra.database_prefix}notify")
    metadata, accounts = ServiceClient("metadata", infra, "notify"), ServiceClient("accounts", infra, "notify")
    stores = _Stores(settings, database)
    planning = _Planning(settings, stores)
    runtime = EventRuntime("notify", infra, mongo, database, NotifySubscribers(planning.notices))
    transactor = runtime.transactor
    sending = _Sending(settings, stores, transactor, AccountsClient(accounts), replaced_channels or {})
    features = _Features(settings, stores, planning, sending, transactor, MetadataClient(metadata))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await stores.create_indexes()
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(runtime.running())
                for worker in features.workers:
                    await stack.enter_async_context(worker.running())
                yield
        finally:
            await sending.close()
            await metadata.close()
            await accounts.close()
            mongo.close()

    pending_events = stores.deliveries.pending_events
    return service_app(
        "notify",
        infra,
        lifespan=lifespan,
        public=[
            subscriptions_router(features.subscriptions),
            subscription_deliveries_router(features.subscriptions),
            preferences_router(stores.preferences),
            inbox_router(stores.inbox, stores.contacts),
            push_router(features.push_subscriptions),
            phone_router(features.phone),
            unsubscribe_router(features.unsubscribe),
        ],
        internal=[operations_router(runtime, database, waiting=("upload",), pending_events=pending_events)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )


class _Stores:
    """The repositories, and the names that wake who works on them."""

    def __init__(self, settings: NotifySettings, database: Database) -> None:
        lease_seconds = settings.lease_seconds
        self.contacts, self.preferences = MongoContacts(database), MongoPreferences(database)
        self.subscriptions = MongoSubscriptions(database)
        self.deliveries = MongoDeliveries(database, lease_seconds=lease_seconds)
        self.queues = MongoSubscriptionQueues(database, lease_seconds=lease_seconds)
        self.inbox, self.rechecks = MongoInbox(database), MongoRechecks(database)
        self.browsers, self.phones = MongoPushSubscriptions(database), MongoPhones(database)
        self.shares, self.share_limits = MongoShares(database), MongoShareLimits(database)
        self.text_counts = MongoPeriodCounts(database["text_messages"], timedelta(days=1))
        self.tests = MongoPeriodCounts(database["tests"], timedelta(hours=1))
        self.now = partial(server_time, database)
        self.delivery_wakeup, self.recheck_wakeup = f"deliveries:{database.name}", f"rechecks:{database.name}"

    async def create_indexes(self) -> None:
        outgoing = self.subscriptions, self.deliveries, self.queues, self.inbox, self.browsers, self.phones
        for store in (*outgoing, self.rechecks, self.share_limits, self.text_counts, self.tests):
            await store.create_indexes()


class _Planning:
    """What decides whom an event notifies, and how."""

    def __init__(self, settings: NotifySettings, stores: _Stores) -> None:
        self.planner = DeliveryPlanner(
            stores.preferences,
            stores.deliveries,
            stores.queues,
            stores.inbox,
            stores.browsers,
            stores.phones,
            timedelta(seconds=settings.digest_interval_seconds),
            timedelta(seconds=settings.upload_quiet_delay_seconds),
            stores.delivery_wakeup,
        )
        self.notices = NotifyService(
            stores.contacts,
            stores.subscriptions,
            stores.shares,
            stores.share_limits,
            stores.queues,
            stores.rechecks,
            self.planner,
            stores.recheck_wakeup,
        )


class _Sending:
    """The channels, and what they send with."""

    def __init__(
        self,
        settings: NotifySettings,
        stores: _Stores,
        transactor: Transactor,
        accounts: AccountsClient,
        replaced_channels: Mapping[str, Channel],
    ) -> None:
        infra = settings.infra
        self.tokens = UnsubscribeTokens(secret_list("NOTIFY_UNSUBSCRIBE_SECRET", settings.unsubscribe_secret, infra))

        def unsubscribe_url(delivery: Delivery) -> str:
            return f"{infra.public_url}/v1/unsubscribe?token={quote(self.tokens.of(delivery))}"

        self.texts = TextMessages.open(settings, stores.text_counts)
        resources = ChannelResources(
            settings,
            stores.contacts,
            Renderer(settings.sender, infra, unsubscribe_url),
            stores.inbox,
            transactor,
            self.texts,
            stores.browsers,
            stores.phones,
            accounts,
        )
        self.channels = {**REGISTRY.open(resources), **replaced_channels}

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close()
        await self.texts.close()


class _Features:
    """The use cases of people, and the workers that send."""

    def __init__(
        self,
        settings: NotifySettings,
        stores: _Stores,
        planning: _Planning,
        sending: _Sending,
        transactor: Transactor,
        metadata: MetadataClient,
    ) -> None:
        subscriptions, deliveries, queues = stores.subscriptions, stores.deliveries, stores.queues
        validity = Validity(metadata, stores.shares, stores.now)
        attempt = DeliveryAttempt(sending.channels, validity, settings.send_timeout_seconds)
        recorder = OutcomeRecorder(deliveries, transactor, settings)
        self.subscriptions = SubscriptionService(
            subscriptions, deliveries, queues, metadata, attempt, recorder, stores.tests, settings
        )
        self.unsubscribe = UnsubscribeService(
            sending.tokens, subscriptions, stores.preferences, deliveries, stores.shares
        )
        self.push_subscriptions = PushSubscriptionService(
            stores.browsers,
            vapid_keys(settings).current,
            PushChannel.unavailable(settings),
            partial(PushChannel.check_endpoint, settings=settings),
        )
        self.phone = PhoneService(
            stores.phones,
            TypedCodes(settings.infra, purpose=b"docstore phone verification 1", digits=CODE_DIGITS),
            sending.texts.send_code,
            partial(SmsChannel.unavailable, settings),
            stores.contacts.language_of,
        )
        sender = DeliveryWorker(deliveries, attempt, recorder, settings)
        queue_worker = SubscriptionQueueWorker(
            queues, deliveries, subscriptions, attempt, recorder, planning.planner, transactor, settings
        )
        recheck_worker = RecheckWorker(stores.rechecks, subscriptions, queues, stores.browsers, stores.phones, metadata)
        works = partial(ClaimWorker[Any], poll_seconds=settings.poll_interval_seconds)
        wakeup = stores.delivery_wakeup
        self.workers = [
            works("sender", sender, parallel=settings.parallel, wakeup_name=wakeup),
            works("subscription queues", queue_worker, parallel=settings.machine_parallel, wakeup_name=wakeup),
            works("rechecks", recheck_worker, parallel=1, wakeup_name=stores.recheck_wakeup),
        ]
