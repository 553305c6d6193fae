"""Webhooks: a POST of the message to an address of the follower's, signed."""

from datetime import datetime
from email.utils import parsedate_to_datetime

import aiohttp

from docstore_notify.channels.message import message_body
from docstore_notify.channels.results import Gone, NotNow, Receipt, Refused
from docstore_notify.channels.safe_http.client import Answer, ForbiddenAddress, SafeHttp
from docstore_notify.channels.webhook_signing import signed_headers
from docstore_notify.domain import Delivery
from docstore_platform.clock import Clock, utc_now

LOGGED_CHARS = 1024
UNREACHABLE = "No connection: the URL must lead to a public address and an open port."
"""Why there was none is not shown: that a name is unknown, leads inwards or has a closed port tells of the operator's
network."""


class WebhookChannel:
    """Only 410 Gone and a URL that is none are for good: any other refusal is a receiver to be repaired."""

    def __init__(self, http: SafeHttp, clock: Clock = utc_now) -> None:
        self._http = http
        self._clock = clock

    async def send(self, delivery: Delivery) -> Receipt:
        if delivery.target is None or not delivery.target.secret:
            raise Refused("a webhook without an address or a secret")
        body = message_body(delivery).encode()
        now = self._clock()
        headers = signed_headers(delivery.target.secret, delivery.id, int(now.timestamp()), body)
        try:
            answer = await self._http.post(
                delivery.target.address, body, {"Content-Type": "application/json", **headers}
            )
        except aiohttp.InvalidURL as error:
            raise Refused(str(error)) from error
        except TimeoutError as error:
            raise NotNow("no answer in time") from error
        except aiohttp.ClientSSLError as error:
            raise NotNow(str(error)) from error
        except (ForbiddenAddress, aiohttp.ClientConnectorError) as error:
            raise NotNow(UNREACHABLE) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NotNow(str(error) or repr(error)) from error
        return _receipt(answer, now)

    async def close(self) -> None:
        await self._http.close()


def _receipt(answer: Answer, now: datetime) -> Receipt:
    text = answer.body.decode(errors="replace")[:LOGGED_CHARS]
    status = answer.status
    if 200 <= status < 300:
        return Receipt(status, text)
    if status == 410:
        raise Gone(text or "Gone", status)
    if 300 <= status < 400:
        raise NotNow("redirects are not followed: enter the address it leads to", None, status)
    raise NotNow(text or f"status {status}", retry_after_seconds(answer.headers.get("Retry-After", ""), now), status)


def retry_after_seconds(header: str, now: datetime) -> float | None:
    """Seconds from a Retry-After (RFC 9110, 10.2.3): a number, or a date; None if it is neither."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((at - now).total_seconds(), 0.0) if at.tzinfo else None
