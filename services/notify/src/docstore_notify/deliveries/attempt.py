"""One attempt to send one message, by any channel."""

import asyncio
from collections.abc import Mapping
from time import perf_counter

import structlog

from docstore_notify import metrics
from docstore_notify.channels.base import Channel
from docstore_notify.channels.results import Gone, NotNow, Refused
from docstore_notify.deliveries.rules import AttemptResult
from docstore_notify.deliveries.validity import Validity
from docstore_notify.domain import Delivery

log = structlog.get_logger(__name__)


class DeliveryAttempt:
    """Sends a message, reduced to what its receiver may still read, within a time limit."""

    def __init__(self, channels: Mapping[str, Channel], validity: Validity, seconds: float) -> None:
        self._channels = channels
        self._validity = validity
        self._seconds = seconds

    async def send(self, delivery: Delivery) -> AttemptResult:
        try:
            async with asyncio.timeout(self._seconds):
                valid = await self._validity.of(delivery)
        except NotNow as error:
            return AttemptResult("not_asked", str(error))
        except TimeoutError:  # after the lease another worker would send it too
            return AttemptResult("not_asked", "rights are unknown: no response in time")
        if valid is None:
            return AttemptResult("void", "its receiver may no longer read it")
        started = perf_counter()
        try:
            async with asyncio.timeout(self._seconds):
                receipt = await self._channels[delivery.channel].send(valid)
        except Refused as refusal:
            return AttemptResult("gone" if isinstance(refusal, Gone) else "refused", str(refusal), refusal.status)
        except NotNow as error:
            return AttemptResult("not_now", str(error), error.status, error.retry_after)
        except TimeoutError:
            return AttemptResult("not_now", "timed out")
        except Exception as error:  # an error of one message must not stop the others
            log.error("delivery_failed_unexpectedly", delivery_id=delivery.id, exc_info=error)
            return AttemptResult("not_now", repr(error))
        metrics.send_seconds.labels(delivery.channel).observe(perf_counter() - started)
        return AttemptResult("sent", receipt.detail if receipt else "", receipt.status if receipt else None)
