"""One try to send one message, whatever its channel."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, Protocol

import structlog

from docstore_notify import metrics
from docstore_notify.domain import ChannelName, Delivery, NotNow, Refused
from docstore_notify.receipts import Gone, Receipt
from docstore_notify.validity import Validity

log = structlog.get_logger(__name__)


class Channel(Protocol):
    """A way to reach people or machines."""

    async def send(self, delivery: Delivery) -> Receipt | None:
        """Hand the message over; return once the channel has accepted it. Raises Refused or NotNow."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a try ended."""

    outcome: Literal["sent", "refused", "gone", "void", "not_now", "not_asked"]
    """`gone`: the receiver wants nothing more; `void`: it may not be told any more; `not_now`: may be tried again;
    `not_asked`: may be tried again, and not for the receiver's sake."""
    detail: str = ""
    status: int | None = None
    retry_after: float | None = None

    @property
    def final(self) -> bool:
        return self.outcome not in ("not_now", "not_asked")


class Trier:
    """Sends what is still to be told, in limited time."""

    def __init__(self, channels: Mapping[ChannelName, Channel], validity: Validity, seconds: float) -> None:
        self._channels = channels
        self._validity = validity
        self._seconds = seconds

    async def send(self, delivery: Delivery) -> Attempt:
        try:
            async with asyncio.timeout(self._seconds):
                valid = await self._validity.of(delivery)
        except NotNow as error:
            return Attempt("not_asked", str(error))
        except TimeoutError:  # later than the lease lasts, another would be sending it by now
            return Attempt("not_asked", "rights are not known: no answer in time")
        if valid is None:
            return Attempt("void", "it may not be told any more")
        started = perf_counter()
        try:
            async with asyncio.timeout(self._seconds):
                receipt = await self._channels[delivery.channel].send(valid)
        except Refused as refusal:
            return Attempt("gone" if isinstance(refusal, Gone) else "refused", str(refusal), refusal.status)
        except NotNow as error:
            return Attempt("not_now", str(error), error.status, error.retry_after)
        except TimeoutError:
            return Attempt("not_now", "timed out")
        except Exception as error:  # a defect in one message must not stop the messages behind it
            log.error("a message can't be made", delivery_id=delivery.id, exc_info=error)
            return Attempt("not_now", repr(error))
        metrics.send_seconds.labels(delivery.channel).observe(perf_counter() - started)
        return Attempt("sent", receipt.detail if receipt else "", receipt.status if receipt else None)
