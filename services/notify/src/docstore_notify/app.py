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
from docstore_notify.subscriptions.api import subscriptions_router
from docstore_notify.subscriptions.queue_worker import SubscriptionQueueWorker
from docstore_notify.subscriptions.repository import MongoSubscriptions
from docstore_notify.subscriptions.service import SubscriptionService
from docstore_notify.unsubscribe.api import unsubscribe_router
from docstore_notify.unsubscribe.service import UnsubscribeService
from docstore_notify.unsubscribe.tokens import UnsubscribeTokens
from docstore_platform.internal import ServiceClient
from docstore_platform.mongo import Mongo, server_time
from docstore_platform.security.mailed_links import TypedCodes
from docstore_platform.security.period_counts import MongoPeriodCounts
from docstore_platform.security.secret_list import secret_list
from docstore_platform.web import service_app


def create_app(
    settings: NotifySettings | None = None,
    replaced_channels: Mapping[str, Channel] | None = None,
) -> FastAPI:
    """Create the service; its lifespan opens and closes its resources. `replaced_channels`: for tests."""
    settings = settings or NotifySettings()
    infra = settings.infra
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="docstore-notify")
    database = mongo.database(f"{infra.database_prefix}notify")
    client, accounts = ServiceClient("metadata", infra, "notify"), ServiceClient("accounts", infra, "notify")
    metadata = MetadataClient(client)
    lease_seconds = settings.lease_seconds
    contacts, preferences = MongoContacts(database), MongoPreferences(database)
    subscriptions, deliveries, queues = (
        MongoSubscriptions(database),
        MongoDeliveries(database, lease_seconds=lease_seconds),
        MongoSubscriptionQueues(database, lease_seconds=lease_seconds),
    )
    inbox, rechecks = MongoInbox(database), MongoRechecks(database)
    browsers, phones = MongoPushSubscriptions(database), MongoPhones(database)
    shares, limits = MongoShares(database), MongoShareLimits(database)
    sending, checking = f"deliveries:{database.name}", f"rechecks:{database.name}"

    pause, run_pause = (
        timedelta(seconds=settings.digest_interval_seconds),
        timedelta(seconds=settings.upload_quiet_delay_seconds),
    )
    planner = DeliveryPlanner(preferences, deliveries, queues, inbox, browsers, phones, pause, run_pause, sending)
    service = NotifyService(contacts, subscriptions, shares, limits, queues, rechecks, planner, checking)
    runtime = EventRuntime("notify", infra, mongo, database, NotifySubscribers(service))

    tokens = UnsubscribeTokens(secret_list("NOTIFY_UNSUBSCRIBE_SECRET", settings.unsubscribe_secret, infra))

    def unsubscribe_url(delivery: Delivery) -> str:
        return f"{infra.public_url}/v1/unsubscribe?token={quote(tokens.of(delivery))}"

    renderer = Renderer(settings.sender, infra, unsubscribe_url)
    text_counts = MongoPeriodCounts(database["text_messages"], timedelta(days=1))
    texts = TextMessages.open(settings, text_counts)
    tests = MongoPeriodCounts(database["tests"], timedelta(hours=1))
    resources = ChannelResources(
        settings, contacts, renderer, inbox, runtime.transactor, texts, browsers, phones, AccountsClient(accounts)
    )
    channels = {**REGISTRY.open(resources), **(replaced_channels or {})}
    delivery_attempt = DeliveryAttempt(
        channels, Validity(metadata, shares, partial(server_time, database)), settings.send_timeout_seconds
    )
    recorder = OutcomeRecorder(deliveries, runtime.transactor, settings)
    following = SubscriptionService(
        subscriptions, deliveries, queues, metadata, delivery_attempt, recorder, tests, settings
    )
    unsubscribe_service = UnsubscribeService(tokens, subscriptions, preferences, deliveries, shares)

    registration = PushSubscriptionService(
        browsers,
        vapid_keys(settings).current,
        PushChannel.unavailable(settings),
        partial(PushChannel.check_endpoint, settings=settings),
    )

    phone_service = PhoneService(
        phones,
        TypedCodes(infra, purpose=b"docstore phone verification 1", digits=CODE_DIGITS),
        texts.send_code,
        partial(SmsChannel.unavailable, settings),
        contacts.language_of,
    )

    sender = DeliveryWorker(deliveries, delivery_attempt, recorder, settings)
    queue_worker = SubscriptionQueueWorker(
        queues, deliveries, subscriptions, delivery_attempt, recorder, planner, runtime.transactor, settings
    )
    recheck_worker = RecheckWorker(rechecks, subscriptions, queues, metadata)
    poll_seconds = settings.poll_interval_seconds
    workers: list[ClaimWorker[Any]] = [
        ClaimWorker("sender", sender, parallel=settings.parallel, poll_seconds=poll_seconds, wakeup_name=sending),
        ClaimWorker(
            "subscription queues",
            queue_worker,
            parallel=settings.machine_parallel,
            poll_seconds=poll_seconds,
            wakeup_name=sending,
        ),
        ClaimWorker("rechecks", recheck_worker, parallel=1, poll_seconds=poll_seconds, wakeup_name=checking),
    ]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for store in (subscriptions, deliveries, queues, inbox, browsers, phones, rechecks, limits, text_counts, tests):
            await store.create_indexes()
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(runtime.running())
                for worker in workers:
                    await stack.enter_async_context(worker.running())
                yield
        finally:
            for channel in channels.values():
                await channel.close()
            await texts.close()
            await client.close()
            await accounts.close()
            mongo.close()

    return service_app(
        "notify",
        infra,
        lifespan=lifespan,
        public=[
            subscriptions_router(following),
            preferences_router(preferences),
            inbox_router(inbox, contacts),
            push_router(registration),
            phone_router(phone_service),
            unsubscribe_router(unsubscribe_service),
        ],
        internal=[operations_router(runtime, database, waiting=("upload",), pending_events=deliveries.pending_events)],
        needs={"mongodb": mongo.check},
        checks={"mongo": mongo.ping, "consumer": runtime.check_consumer},
    )
