"""Webhooks: a signed POST of the message to the subscriber's URL."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import ClassVar, Self

import aiohttp

from docstore_notify.channels.base import Channel, ChannelResources
from docstore_notify.channels.message import message_body
from docstore_notify.channels.results import Gone, NotNow, Receipt, Refused
from docstore_notify.channels.safe_http.client import ForbiddenAddress, HttpResponse, SafeHttp
from docstore_notify.channels.safe_http.public_addresses import AddressRule
from docstore_notify.channels.signing.webhooks import new_secret, signed_headers
from docstore_notify.channels.target_fields import TargetFields, invalid_target, split_url
from docstore_notify.domain import Delivery, Target
from docstore_notify.settings import NotifySettings
from docstore_platform.clock import Clock, utc_now

LOGGED_CHARS = 1024
UNREACHABLE = "No connection: the URL must have a public address and an open port."
"""The cause is not shown: an unknown name, an internal address or a closed port would reveal the operator's network."""


class WebhookChannel(Channel):
    """Sends signed POSTs. Only 410 Gone and an invalid URL are permanent errors: other receivers may be repaired."""

    name = "webhook"
    help = "`{url}`: a POST to an https URL, signed with the secret of the subscription"
    target_fields: ClassVar = {"url": "URL of a webhook."}

    def __init__(self, http: SafeHttp, clock: Clock = utc_now) -> None:
        self._http = http
        self._clock = clock

    @classmethod
    def open(cls, resources: ChannelResources) -> Self:
        settings = resources.settings
        return cls(SafeHttp(settings.webhook_allowed_networks, settings.webhook_timeout_seconds))

    @classmethod
    def check_target(cls, fields: TargetFields, account_id: str, settings: NotifySettings) -> Target:
        url = fields.take("url")
        fields.end()
        check_url(url, "url", settings)
        return Target(url)

    @classmethod
    def entered(cls, target: Target) -> dict[str, str]:
        return {"url": target.address}

    @classmethod
    def new_secret(cls) -> str:
        return new_secret()

    async def send(self, delivery: Delivery) -> Receipt:
        if delivery.target is None or not delivery.target.secret:
            raise Refused("webhook target without a URL or a secret")
        body = message_body(delivery).encode()
        now = self._clock()
        headers = signed_headers(delivery.target.secret, delivery.id, int(now.timestamp()), body)
        headers = {"Content-Type": "application/json", **headers}
        return await post_safely(self._http, delivery.target.address, body, headers, now)

    async def close(self) -> None:
        await self._http.close()


def check_url(url: str, field: str, settings: NotifySettings) -> None:
    """Check a subscriber's URL, to be called with `post_safely`. Raises Invalid `invalid_target`."""
    if any(ord(character) <= 0x20 or ord(character) == 0x7F or character == "\\" for character in url):
        raise invalid_target(f"{field} contains blanks, backslashes or control characters.", field)
    parts = split_url(url, field)
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.webhook_allow_http):
        raise invalid_target(f"{field} must begin with https://.", field)
    if not parts.hostname:
        raise invalid_target(f"{field} has no host.", field)
    if "@" in parts.netloc:
        raise invalid_target(f"{field} must not contain a user name or password; check the signature instead.", field)
    if parts.fragment:
        raise invalid_target(f"{field} must not have a fragment (#...).", field)
    if _is_address(parts.hostname) and not AddressRule(settings.webhook_allowed_networks).permits(parts.hostname):
        # The addresses of a name are checked when it is called.
        raise invalid_target(f"{field} must have a public address.", field)


async def post_safely(http: SafeHttp, url: str, body: bytes, headers: Mapping[str, str], now: datetime) -> Receipt:
    """Send a POST to a subscriber's URL. Raises Refused, Gone for 410, or NotNow."""
    try:
        response = await http.post(url, body, headers)
    except aiohttp.InvalidURL as error:
        raise Refused(str(error)) from error
    except TimeoutError as error:
        raise NotNow("no response in time") from error
    except aiohttp.ClientSSLError as error:
        raise NotNow(str(error)) from error
    except (ForbiddenAddress, aiohttp.ClientConnectorError) as error:
        raise NotNow(UNREACHABLE) from error
    except (aiohttp.ClientError, OSError) as error:
        raise NotNow(str(error) or repr(error)) from error
    return _receipt(response, now)


def _receipt(response: HttpResponse, now: datetime) -> Receipt:
    text = response.body.decode(errors="replace")[:LOGGED_CHARS]
    status = response.status
    if 200 <= status < 300:
        return Receipt(status, text)
    if status == 410:
        raise Gone(text or "Gone", status)
    if 300 <= status < 400:
        raise NotNow("redirects are not followed: enter the final URL", None, status)
    raise NotNow(text or f"status {status}", retry_after_seconds(response.headers.get("Retry-After", ""), now), status)


def retry_after_seconds(header: str, now: datetime) -> float | None:
    """Return the seconds of a Retry-After (RFC 9110, 10.2.3): a number or a date; None if it is neither."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at - now).total_seconds(), 0.0) if at.tzinfo else None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
