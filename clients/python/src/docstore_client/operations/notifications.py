"""Operations on subscriptions and notifications."""

from collections.abc import Iterable, Mapping
from typing import Any

from docstore_client.models import (
    Notification,
    Page,
    PushKey,
    PushSubscription,
    Subscription,
)
from docstore_client.operations.routes import Routes


class NotificationOperations(Routes):
    async def follow(
        self,
        file_id: str,
        channel: str = "email",
        *,
        target: Mapping[str, Any] | None = None,
        events: Iterable[str] | None = None,
    ) -> Subscription:
        wanted = {"target": target, "events": None if events is None else list(events)}
        body = {"file_id": file_id, "channel": channel} | {f: v for f, v in wanted.items() if v is not None}
        return await self._send(Subscription, "POST", "/v1/subscriptions", body)

    async def subscriptions(self, cursor: str | None = None) -> Page[Subscription]:
        return await self._get(Page[Subscription], "/v1/subscriptions", cursor=cursor)

    async def unfollow(self, subscription_id: str) -> None:
        await self.call("DELETE", f"/v1/subscriptions/{subscription_id}")

    async def push_key(self) -> str:
        """Public key that a browser's push subscription must be made with."""
        return (await self._get(PushKey, "/v1/push-key")).key

    async def add_push_subscription(self, endpoint: str, p256dh: str, auth: str) -> PushSubscription:
        """Send notifications to a browser (Web Push) while this log-in lasts."""
        body = {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}}
        return await self._send(PushSubscription, "POST", "/v1/push-subscriptions", body)

    async def push_subscriptions(self, cursor: str | None = None) -> Page[PushSubscription]:
        return await self._get(Page[PushSubscription], "/v1/push-subscriptions", cursor=cursor)

    async def remove_push_subscription(self, push_subscription_id: str) -> None:
        await self.call("DELETE", f"/v1/push-subscriptions/{push_subscription_id}")

    async def notifications(self, *, unread: bool = False, cursor: str | None = None) -> Page[Notification]:
        return await self._get(Page[Notification], "/v1/notifications", unread=unread or None, cursor=cursor)
