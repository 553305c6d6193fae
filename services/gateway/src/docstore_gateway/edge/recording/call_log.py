"""Publishes calls that read or change content: buffered in memory, sent in batches, never awaited by a call.

If a gateway is killed, the calls of its last second are lost. Their changes are in the audit log nevertheless: the
service that makes a change publishes it in the same transaction.
"""

import asyncio
import re
from collections.abc import Sequence
from itertools import accumulate, takewhile

import structlog

from docstore_events.catalogue.audit import ApiCall, ApiCalled
from docstore_events.transaction import Transaction, Transactor
from docstore_gateway.edge.routes import LINK_PREFIXES, MUTATING
from docstore_gateway.metrics import calls_lost
from docstore_platform.clock import utc_now
from docstore_platform.ids import new_id

log = structlog.get_logger(__name__)

BATCH_SECONDS = 1.0
RETRY_SECONDS = 2.0
CLOSE_SECONDS = 5.0
MAX_CALLS_PER_EVENT = 500
MAX_EVENT_BYTES = 200_000
"""Brokers refuse records of more than a megabyte, which would block those behind it."""
MAX_BUFFERED_CALLS = 50_000
"""Calls kept while the database is unavailable; beyond that the oldest are dropped and counted."""
MAX_PATH_CHARS = 500

WITHOUT_CHANGES = ("/v1/compare", "/v1/blocks/missing", "/v1/sessions/refresh", "/v1/notifications/read")
"""Frequent calls without an effect on content, despite their methods."""
READS_CONTENT = ("/content", "/preview", "/blocks", "/zip")
BULK_READS = ("/v1/search", "/v1/admin/audit", "/v1/admin/archive", "/v1/admin/accounts", *LINK_PREFIXES)
_OBJECT = re.compile(r"/v1/(?:admin/)?(?:files|trash|uploads|accounts|packs)/([0-9a-f]{32})(?:/|$)")


def is_audited(method: str, path: str) -> bool:
    """Whether a call reads or changes content; lists of names, polls and figures do neither."""
    if method in MUTATING:
        return path not in WITHOUT_CHANGES
    return path.endswith(READS_CONTENT) or path.startswith(BULK_READS)


def object_of(path: str) -> str:
    """Return the id in a path, if it names one object."""
    found = _OBJECT.match(path)
    return found[1] if found else ""


def calls_of_one_event(calls: Sequence[ApiCall]) -> int:
    """Return how many of the first calls fit into one event; at least one, whatever its size."""
    sizes = (len(call.model_dump_json().encode()) for call in calls[:MAX_CALLS_PER_EVENT])
    fitting = takewhile(lambda size: size <= MAX_EVENT_BYTES, accumulate(sizes))
    return max(len(list(fitting)), 1)


class CallLog:
    """Call log of one gateway."""

    def __init__(self, transactor: Transactor) -> None:
        self._transactor = transactor
        self._id = new_id()
        self._published = 0
        self._waiting: list[ApiCall] = []
        self._has_calls = asyncio.Event()

    def note(
        self,
        *,
        request_id: str,
        method: str,
        route: str,
        path: str,
        status: int,
        account_id: str,
        session_id: str,
        client: str,
        read: tuple[str, ...] = (),
    ) -> None:
        """Publish a call within about a second."""
        call = ApiCall.model_construct(
            at=utc_now(),
            request_id=request_id,
            method=method,
            route=route,
            path=path[:MAX_PATH_CHARS],
            status=status,
            account_id=account_id,
            session_id=session_id,
            client=client,
            object_id=object_of(path) or (read[0] if len(read) == 1 else ""),
            read=read,
        )
        self._waiting.append(call)
        if len(self._waiting) > MAX_BUFFERED_CALLS:
            del self._waiting[:MAX_CALLS_PER_EVENT]
            calls_lost.inc(MAX_CALLS_PER_EVENT)
            log.error("audit_calls_lost", calls=MAX_CALLS_PER_EVENT)
        self._has_calls.set()

    async def run(self) -> None:
        """Publish until cancelled; calls that can't be published wait."""
        while True:
            await self._has_calls.wait()
            await asyncio.sleep(BATCH_SECONDS)
            try:
                await self._publish()
            except Exception as error:  # noqa: BLE001 - whatever failed, the calls wait and are retried
                log.warning("audit_calls_delayed", calls=len(self._waiting), error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Publish the rest, if that succeeds quickly."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._publish()
        except Exception as error:  # noqa: BLE001 - whatever failed, the gateway stops
            calls_lost.inc(len(self._waiting))
            log.error("audit_calls_lost", calls=len(self._waiting), error=repr(error))

    async def _publish(self) -> None:
        while self._waiting:
            calls = tuple(self._waiting[: calls_of_one_event(self._waiting)])
            event = ApiCalled(revision=self._published + 1, gateway_id=self._id, calls=calls)

            async def work(transaction: Transaction, event: ApiCalled = event) -> None:
                transaction.publish(event)

            await self._transactor.run(work)
            self._published += 1
            # If `note` has dropped published ones meanwhile, as many others go in their place: it has counted those.
            self._waiting = self._waiting[len(calls) :]
        self._has_calls.clear()
