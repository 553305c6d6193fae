"""Background task that notifies owners, once, that a link is about to expire."""

from docstore_events.catalogue.shares import LinkExpiring
from docstore_events.transaction import Transaction
from docstore_metadata.links.rules import Link
from docstore_metadata.links.service import publish_link_event
from docstore_metadata.storage import UseCases

BATCH = 100


class LinkSweeper(UseCases):
    """Any number of instances may run it: each warning is taken in its own transaction."""

    async def sweep(self) -> int:
        """Take one batch of due warnings; returns their number."""
        due = await self.store.links.due_warnings(self.clock(), BATCH)
        for link in due:
            await self._warn(link)
        return len(due)

    async def _warn(self, link: Link) -> None:
        """Publish the warning, unless the link no longer opens."""

        async def work(transaction: Transaction) -> None:
            now = self.clock()
            place = await self.tree.place(link.node_id, transaction.session)
            opens = place is not None and place.is_reachable and link.opens_at(now)
            taken = await self.store.links.take_warning(link, now, publish=opens, session=transaction.session)
            if taken is not None and opens and place is not None:
                publish_link_event(LinkExpiring, taken, place, transaction)

        await self.transactor.run(work)
