"""Tells owners, once, that a link is about to end."""

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.links.rules import Link
from docstore_metadata.links.service import publish_link_event
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_platform.clock import Clock, utc_now

BATCH = 100


class LinkSweeper:
    """Looks for warnings that are due. Any number of instances may: each warning is taken in its own transaction."""

    def __init__(self, store: Store, tree: Tree, transactor: Transactor, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._clock = clock

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
            taken = await self._store.links.take_warning(link, now, publish=opens, session=transaction.session)
            if taken is not None and opens and place is not None:
                publish_link_event("expiring", taken, place, transaction)

        await self._transactor.run(work)
