"""Background work of cold storage: hands unused contents over, and follows requested retrievals to their end."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from docstore_contracts.upload import RetrievalProgress
from docstore_events.catalogue.files import ContentRetrieved
from docstore_events.transaction import Transaction
from docstore_metadata.cold_storage.repository import ContentUse, Request, Requests
from docstore_metadata.storage import UseCases
from docstore_work.lease_queue import LeaseLost

log = structlog.get_logger(__name__)
BATCH = 100


class UploadContents(Protocol):
    """The part of upload's client that moves and retrieves contents."""

    async def contents_unused(self, turns: list[tuple[str, int]]) -> None: ...

    async def retrieve_contents(self, keys: list[str]) -> RetrievalProgress: ...


@dataclass(slots=True)
class UnusedContentsWorker:
    """Any number of instances may run it. An interrupted hand-over is repeated when its lease ends."""

    use: ContentUse
    uploads: UploadContents

    async def hand_over(self) -> int:
        """Report a batch of contents that have not been read for long; returns their number."""
        try:
            idle = await self.use.claim_idle(BATCH)
            if idle:
                await self.uploads.contents_unused([(each.key, each.turn) for each in idle])
                await self.use.handed_over(idle)
        except LeaseLost:  # one of them was read or deleted: the others are due again when their lease ends
            return 0
        return len(idle)


@dataclass(slots=True)
class RetrievalWorker(UseCases):
    """Looks at each requested content until it can be read, then publishes that."""

    requests: Requests
    use: ContentUse
    uploads: UploadContents
    interval_seconds: float

    async def work(self) -> int:
        """Take the next step of one request; returns whether one was due."""
        request = await self.requests.claim()
        if request is None:
            return 0
        progress = await self.uploads.retrieve_contents([request.object_key])
        try:
            if progress["waiting"]:
                await self.requests.postpone(request, 0 if progress["progressed"] else self.interval_seconds)
            else:
                await self.use.used_again([request.object_key], self.clock())
                await self.transactor.run(lambda transaction: self._complete(request, transaction))
        except LeaseLost:
            log.info("retrieval_taken_over", retrieval_id=request.retrieval_id)
        return 1

    async def _complete(self, request: Request, transaction: Transaction) -> None:
        """Publish that the content can be read, if who requested it still may."""
        await self.requests.complete(request, transaction.session)
        place = await self.tree.place(request.node_id, transaction.session)
        if place is None or not place.is_reachable or place.permission_of(request.account_id) is None:
            return
        transaction.publish(
            ContentRetrieved(
                revision=1,
                retrieval_id=request.retrieval_id,
                file_id=request.node_id,
                version=request.number,
                owner_id=place.node.owner_id,
                account_id=request.account_id,
                path=place.as_seen_by(request.account_id).path,
            )
        )
