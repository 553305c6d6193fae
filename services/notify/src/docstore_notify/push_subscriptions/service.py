"""Use cases of browsers that get push messages: register, list, remove."""

from collections.abc import Callable
from dataclasses import dataclass

from docstore_notify.push_subscriptions.repository import PushSubscriptions
from docstore_notify.push_subscriptions.rules import PushSubscription, are_keys
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import Conflict, invalid, not_found
from docstore_platform.ids import new_id

MAX_BROWSERS = 20
"""Of an account."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser sends to be registered."""

    endpoint: str
    p256dh: str
    auth: str


@dataclass(frozen=True, slots=True)
class PushSubscriptionService:
    store: PushSubscriptions
    current_key: str
    """Public key that browsers register with."""
    unavailable: str
    """Why there are no push messages; empty if there are."""
    check_endpoint: Callable[[str], None]
    """Raises Invalid for an address that must not be called."""
    clock: Clock = utc_now
    ids: Callable[[], str] = new_id

    @property
    def server_key(self) -> str:
        """Raises Conflict `channel_unavailable`."""
        if self.unavailable:
            raise Conflict(self.unavailable, code="channel_unavailable")
        return self.current_key

    async def register(
        self, account_id: str, session_id: str, device: str, browser: Browser
    ) -> tuple[PushSubscription, bool]:
        """Register a browser for an account, and no longer for another; return whether it is new.

        409 `channel_unavailable` or `too_many_push_subscriptions`, 422 `invalid_endpoint` or `invalid_keys`.
        """
        key = self.server_key
        self.check_endpoint(browser.endpoint)
        if not are_keys(browser.p256dh, browser.auth):
            raise invalid("keys must be those of the browser's PushSubscription.", "invalid_keys")
        is_known = await self.store.knows(browser.endpoint)
        if not is_known and await self.store.number(account_id) >= MAX_BROWSERS:
            raise Conflict(
                f"At most {MAX_BROWSERS} browsers of an account get push messages: remove one.",
                code="too_many_push_subscriptions",
            )
        new = PushSubscription(
            self.ids(),
            account_id,
            session_id,
            device,
            browser.endpoint,
            browser.p256dh,
            browser.auth,
            key,
            self.clock(),
        )
        return await self.store.register(new), not is_known

    async def page(self, account_id: str, after: str, limit: int) -> list[PushSubscription]:
        return await self.store.of_account(account_id, after, limit)

    async def remove(self, account_id: str, subscription_id: str) -> None:
        if not await self.store.remove(account_id, subscription_id):
            raise not_found("push subscription")
