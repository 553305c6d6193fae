"""Web Push: encrypted messages to a person's browsers and phones (RFC 8030, 8291, 8292)."""

import json
from email.utils import parseaddr
from typing import Self

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

from docstore_contracts.accounts import AccountsClient
from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.results import Gone, NotNow, Receipt, Refused
from docstore_notify.channels.safe_http.client import SafeHttp
from docstore_notify.channels.signing.vapid import VapidKeys
from docstore_notify.channels.webhook import check_url, post_safely
from docstore_notify.contacts.repository import Contacts
from docstore_notify.domain import CRITICAL, Delivery
from docstore_notify.push_subscriptions.repository import PushSubscriptions
from docstore_notify.push_subscriptions.rules import PushSubscription, decoded
from docstore_notify.settings import NotifySettings
from docstore_notify.texts import one_line, subject
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import DomainError
from docstore_platform.languages import SOURCE

TTL_SECONDS = 24 * 3600
"""How long a push service keeps a message for a browser that is not running."""
TITLE_CHARS, BODY_CHARS = 150, 300
"""Far below the 4,096 bytes that push services accept (RFC 8291, 4)."""
LISTED_NAMES = 5
GONE = frozenset({404, 410})
AFTER_LOG_OUT = frozenset({"password_notice"})
"""Kinds that still reach browsers which the same event has logged out."""
PAGES = {
    "new_device": "/settings/devices",
    "password_notice": "/settings/profile",
    "quota_exceeded": "/settings/plan",
    "quota_restored": "/settings/plan",
    "subscription_disabled": "/settings/notifications",
    "shared_with_you": "/shared",
}
"""Pages by kind, of messages that are not about one file."""


def vapid_keys(settings: NotifySettings) -> VapidKeys:
    secrets = [secret.strip() for secret in settings.push_secrets.get_secret_value().split(",")]
    return VapidKeys([secret for secret in secrets if secret], f"mailto:{parseaddr(settings.sender)[1]}")


class PushChannel(Channel):
    """Sends to one browser, or to all of an account if the delivery names none. Browsers that are logged out, or that
    their push service no longer knows, are removed."""

    name = "push"

    def __init__(
        self,
        http: SafeHttp,
        keys: VapidKeys,
        browsers: PushSubscriptions,
        accounts: AccountsClient,
        contacts: Contacts,
        clock: Clock = utc_now,
    ) -> None:
        self._http = http
        self._keys = keys
        self._browsers = browsers
        self._accounts = accounts
        self._contacts = contacts
        self._clock = clock

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        settings = resources.settings
        http = SafeHttp(settings.webhook_allowed_networks, settings.webhook_timeout_seconds)
        return cls(http, vapid_keys(settings), resources.browsers, resources.accounts, resources.contacts)

    @classmethod
    def unavailable(cls, settings: NotifySettings) -> str:
        if settings.push_secrets.get_secret_value():
            return ""
        return "Push notifications are not set up here: the operator has not set NOTIFY_PUSH_SECRETS."

    @classmethod
    def check_endpoint(cls, url: str, settings: NotifySettings) -> None:
        """Raises Invalid `invalid_target`, by the rules of webhooks."""
        check_url(url, "endpoint", settings)

    async def send(self, delivery: Delivery) -> Receipt | None:
        if delivery.target is None:  # a test message
            browsers = await self._browsers.of_account(delivery.account_id)
        else:
            found = await self._browsers.find(delivery.target.address)
            browsers = [found] if found is not None and found.account_id == delivery.account_id else []
        if not browsers:
            raise Refused("no browser receives notifications: turn them on in the settings of the page")
        content = push_message(delivery, await self._contacts.language_of(delivery.account_id))
        receipt: Receipt | None = None
        for browser in browsers:
            receipt = await self._send_to(browser, delivery, content)
        return receipt

    async def close(self) -> None:
        await self._http.close()

    async def _send_to(self, browser: PushSubscription, delivery: Delivery, content: dict[str, str]) -> Receipt:
        if delivery.kind not in AFTER_LOG_OUT and not await self._is_logged_in(browser):
            await self._remove(browser)
            raise Gone("the browser is logged out")
        authorization = self._keys.authorization(browser.endpoint, browser.server_key, self._clock())
        if authorization is None:
            await self._remove(browser)
            raise Gone("the browser was registered with a key that this server no longer has")
        headers = {
            "Authorization": authorization,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_SECONDS),
            "Urgency": "high" if delivery.kind in CRITICAL else "normal",
        }
        try:
            return await post_safely(self._http, browser.endpoint, encrypted(content, browser), headers, self._clock())
        except (NotNow, Gone) as error:
            if error.status not in GONE:
                raise
            await self._remove(browser)
            raise Gone("the browser no longer receives notifications", error.status) from error

    async def _is_logged_in(self, browser: PushSubscription) -> bool:
        try:
            return await self._accounts.is_logged_in(browser.account_id, browser.session_id)
        except DomainError as problem:
            raise NotNow(f"the log-in is unknown: {problem.detail}") from problem

    async def _remove(self, browser: PushSubscription) -> None:
        await self._browsers.remove(browser.account_id, browser.id)


def push_message(delivery: Delivery, language: str = SOURCE) -> dict[str, str]:
    """Return what the page's service worker shows. It has no contents, and no address that works without a log-in."""
    files = {str(item["file_id"]) for item in delivery.items if item.get("file_id")}
    invited = any(item.get("change") == "invited" for item in delivery.items)
    page = f"/file/{files.pop()}" if len(files) == 1 and not invited else PAGES.get(delivery.kind, "/files")
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "title": one_line(subject(delivery, language), TITLE_CHARS),
        "body": one_line(_body(delivery), BODY_CHARS),
        "url": page,
    }


def _body(delivery: Delivery) -> str:
    item = delivery.items[-1]
    if delivery.kind in ("new_device", "password_notice"):
        return str(item.get("device", ""))
    if len(delivery.event_ids) == 1:
        return ""
    names = dict.fromkeys(str(each["path"]).rpartition("/")[2] for each in delivery.items if each.get("path"))
    return ", ".join(list(names)[:LISTED_NAMES])


def encrypted(message: dict[str, str], browser: PushSubscription) -> bytes:
    """Encrypt the message with keys that only the browser has (RFC 8291). Raises Refused if its key is no point."""
    content = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    try:
        sealed: bytes = http_ece.encrypt(
            content,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=decoded(browser.p256dh),
            auth_secret=decoded(browser.auth),
            version="aes128gcm",
        )
    except ValueError as error:
        raise Refused("the browser's key is not valid") from error
    return sealed
