"""What ends for accounts that have lost a right, or that another person has taken over."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from notify_service import Notify

from docstore_events.catalogue.accounts import PasswordReset
from docstore_notify.deliveries.queue_repository import MongoSubscriptionQueues
from docstore_notify.domain import Target
from docstore_notify.phone.repository import MongoPhones
from docstore_notify.phone.rules import CODE_LIFE, Phone
from docstore_notify.push_subscriptions.repository import MongoPushSubscriptions
from docstore_notify.push_subscriptions.rules import PushSubscription
from docstore_notify.rechecks.repository import MongoRechecks
from docstore_notify.rechecks.worker import RecheckWorker
from docstore_notify.subscriptions.repository import MongoSubscriptions
from docstore_notify.subscriptions.rules import Subscription
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
CHANNELS = ("email", "in_app", "push", "webhook", "sns", "sqs", "eventbridge")


class Settings:
    """What accounts have set up, in the database of the service."""

    def __init__(self, database: Database) -> None:
        self.subscriptions, self.browsers = MongoSubscriptions(database), MongoPushSubscriptions(database)
        self.phones = MongoPhones(database)

    async def make(self, account_id: str, at: datetime) -> None:
        """Have an account follow a file by every channel, by a browser and by a phone."""
        file_id = new_id()
        for channel in CHANNELS:
            target = Target(f"{channel} of {file_id}")
            one = Subscription(new_id(), account_id, file_id, channel, ("created",), at, target)
            await self.subscriptions.follow(one)
        keys = {"endpoint": f"https://push.example/{file_id}", "p256dh": "", "auth": "", "server_key": ""}
        await self.browsers.register(PushSubscription(new_id(), account_id, "s", "laptop", created_at=at, **keys))
        await self.phones.put(Phone(account_id, "+6421234567", True, new_id(), at + CODE_LIFE))

    async def of(self, account_id: str) -> tuple[list[str], int, bool]:
        """Channels of its subscriptions, number of its browsers, and whether it has a phone."""
        followed = await self.subscriptions.of_account(account_id, "", 100, None)
        phone = await self.phones.find(account_id)
        browsers = await self.browsers.number(account_id)
        return sorted(one.channel for one in followed), browsers, phone is not None


def worker_of(notify: Notify) -> RecheckWorker:
    database = notify.database
    queues = MongoSubscriptionQueues(database, lease_seconds=30)
    settings = Settings(database)
    metadata: Any = None  # nothing is to be checked
    kept = settings.subscriptions, queues, settings.browsers, settings.phones
    return RecheckWorker(MongoRechecks(database), *kept, metadata)


async def test_what_was_set_up_before_a_take_over_ends(notify: Notify) -> None:
    """All that leads elsewhere than to the account's address; what was made later, and other accounts', stays."""
    settings, worker = Settings(notify.database), worker_of(notify)
    anna, bert = new_id(), new_id()
    at = utc_now()
    await settings.make(anna, at - timedelta(seconds=1))
    await settings.make(bert, at - timedelta(seconds=1))
    await worker.rechecks.add_taken_over(anna, at, None)
    claimed = await worker.claim()
    assert claimed is not None
    await worker.do(claimed)
    assert await settings.of(anna) == (["email", "in_app", "push"], 0, False)
    assert await settings.of(bert) == (sorted(CHANNELS), 1, True)
    await settings.make(anna, at)
    await worker.rechecks.add_taken_over(anna, at, None)
    claimed = await worker.claim()
    assert claimed is not None
    await worker.do(claimed)
    assert await settings.of(anna) == (sorted((*CHANNELS, "email", "in_app", "push")), 1, True)
    assert await worker.due_in() is None


async def test_a_take_over_waits_for_its_moment_beside_a_lost_right(notify: Notify) -> None:
    """Neither replaces the other in the queue."""
    worker, anna = worker_of(notify), new_id()
    await worker.rechecks.add_taken_over(anna, utc_now() + timedelta(hours=1), None)
    await worker.rechecks.add({anna}, None)
    claimed = await worker.claim()
    assert claimed is not None
    assert (claimed.account_id, claimed.taken_over_at) == (anna, None)
    await worker.do(claimed)
    assert await worker.claim() is None
    due_in = await worker.due_in()
    assert due_in is not None
    assert due_in > 3500


async def test_on_password_reset_the_webhooks_of_a_taken_over_account_end(notify: Notify) -> None:
    """Those of an account whose owner resets the password stay."""
    anna, bert = notify.person(), notify.person()
    async with notify.running(digest_interval_seconds=0):
        await notify.publish(anna.signed_up(), bert.signed_up())
        for person in (anna, bert):
            await person.hook(new_id())
            await person.follow(new_id())
        (ordinary,) = await notify.publish(PasswordReset(revision=2, reset_id=new_id(), account_id=bert.id))
        await notify.until_notified(ordinary)
        taken_over = {"reset_id": new_id(), "account_id": anna.id, "taken_over_at": utc_now()}
        await notify.publish(PasswordReset(revision=2, **taken_over))

        async def ended() -> bool:
            return [one["channel"] for one in (await anna.get("/v1/subscriptions"))["items"]] == ["email"]

        await eventually(ended)
        left = [one["channel"] for one in (await bert.get("/v1/subscriptions"))["items"]]
        assert sorted(left) == ["email", "webhook"]
