"""Tells owners, once, that a link is about to end."""

import asyncio

import structlog

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.link_rules import Link
from docstore_metadata.links import say
from docstore_metadata.storage import Store
from docstore_metadata.tree import Tree
from docstore_platform.clock import Clock, utc_now

log = structlog.get_logger(__name__)

BATCH = 100


class LinkSweeper:
    """Looks for warnings that are due. Any number of instances may: each warning is taken in its own transaction."""

    def __init__(
        self, store: Store, tree: Tree, transactor: Transactor, *, poll_seconds: float, clock: Clock = utc_now
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._poll_seconds = poll_seconds
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                while await self.sweep():
                    pass
            except Exception as error:  # noqa: BLE001 - whatever fails is still due, and tried again
                log.warning("the sweep of links tries again", error=repr(error))
            await asyncio.sleep(self._poll_seconds)

    async def sweep(self) -> int:
        """Take one batch of warnings; how many there were."""
        due = await self._store.links.due_warnings(self._clock(), BATCH)
        for link in due:
            await self._warn(link)
        return len(due)

    async def _warn(self, link: Link) -> None:
        """Nothing is said of a link that nobody can open any more."""

        async def work(transaction: Transaction) -> None:
            now = self._clock()
            place = await self._tree.place(link.node_id, transaction.session)
            reachable = place is not None and place.is_reachable
            opens = reachable and link.opens_at(now)
            taken = await self._store.links.take_warning(link, now, say=opens, session=transaction.session)
            if taken is not None and opens and place is not None:
                say("expiring", taken, place, transaction)

        await self._transactor.run(work)
