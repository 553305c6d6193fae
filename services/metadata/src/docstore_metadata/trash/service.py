"""The trash: into it, out of it, and gone for good.

A folder goes in one write: what is in it can't be reached from then on. A walk in the background says for each
descendant what has become of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.errors import InvalidMove
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.links.service import end_links
from docstore_metadata.sharing.changes import end_shares
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.list_query import moment_of, position_of
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.paths import noted_names
from docstore_metadata.tree.rules import Node, Place
from docstore_metadata.tree.service import check_precondition
from docstore_platform.clock import Clock, utc_now
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.tokens import Principal

RESTORED_ATTRIBUTES = ("parent_id", "name", "live", "revision", "told_readers", "trashed_at", "trashed_path")


class TrashService:
    """The use cases, each one transaction."""

    def __init__(self, store: Store, tree: Tree, transactor: Transactor, jobs: Jobs, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._jobs = jobs
        self._clock = clock

    async def put_in(self, principal: Principal, node_id: str, if_match: str | None) -> None:
        async def work(transaction: Transaction) -> None:
            session = transaction.session
            place = await self._tree.place(node_id, session)
            place = authorize(principal.account_id, place, Action.DELETE)
            node = place.node
            check_precondition(node, if_match)
            if node.parent_id is None:
                raise InvalidMove("The root can't be deleted.")
            path = place.path
            FileEventRecorder(transaction, principal.account_id).deleted(place)
            await self._store.nodes.bump([node.parent_id], session)
            await self._store.trash.put_in(node, place.ancestors[0], path, self._clock(), session)
            if node.is_folder:
                await self._jobs.add("settle", node, principal.account_id, session)

        await self._transactor.run(work, lane=principal.account_id)
        self._jobs.wake()

    async def page(self, principal: Principal, cursor: str | None, limit: int) -> tuple[Sequence[Node], str | None]:
        """What an account has put into the trash, the latest first, and where the next page begins."""
        before = None
        if cursor:
            millis, node_id = decode_cursor(cursor, int, str)
            before = moment_of(millis), node_id
        rows = await self._store.trash.page(principal.account_id, before, limit + 1)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], encode_cursor(position_of(last.trashed_at), last.id)

    async def restore(self, principal: Principal, node_id: str) -> Place:
        """Put it back where it was, or into the root if that is gone or it would lie too deep there now; under another
        name if its own is taken.
        """

        async def work(transaction: Transaction) -> Place:
            session = transaction.session
            place = await self._tree.place(node_id, session)
            if place is not None and place.node.live:  # restored before: the answer may have been lost
                return authorize(principal.account_id, place, Action.DELETE)
            place = authorize(principal.account_id, place, Action.RESTORE)
            parent = await self._home(place, transaction)
            await self._store.nodes.bump([parent.node.id], session)
            name = await self._free_name(parent, place.node.name, transaction)
            restored = parent.child(
                replace(place.node, parent_id=parent.node.id, name=name, live=True, trashed_at=None, trashed_path="")
            )
            node = restored.node
            FileEventRecorder(transaction, principal.account_id).restored(restored)
            node.told_readers = restored.readers
            await self._store.nodes.save([(node, RESTORED_ATTRIBUTES)], session)
            if node.is_folder:
                await self._jobs.add("settle", node, principal.account_id, session)
            return restored

        restored = await self._transactor.run(work, lane=principal.account_id)
        self._jobs.wake()
        return restored

    async def _home(self, place: Place, transaction: Transaction) -> Place:
        parent_id, session = place.node.parent_id, transaction.session
        parent = await self._tree.place(parent_id, session) if parent_id else None
        if parent is not None and parent.is_reachable and await self._tree.fits(parent.child(place.node), session):
            return parent
        root = await self._tree.at(place.node.owner_id, (), session)
        assert root is not None
        return root

    async def _free_name(self, parent: Place, name: str, transaction: Transaction) -> str:
        names = noted_names(name, "restored")
        same = await self._store.nodes.by_names([(parent.node.id, name)], transaction.session)
        return await self._store.nodes.free_name(parent.node.id, names, transaction.session) if same else name

    async def purge(self, principal: Principal, node_id: str) -> None:
        """Remove for good what is in the trash: a file at once, a folder by a walk in the background."""

        async def work(transaction: Transaction) -> None:
            session = transaction.session
            place = await self._tree.place(node_id, session)
            place = authorize(principal.account_id, place, Action.PURGE)
            await purge_trashed(self._store, self._jobs, [place], principal.account_id, transaction, self._clock)

        await self._transactor.run(work, lane=principal.account_id)
        self._jobs.wake()


async def purge_trashed(
    store: Store, jobs: Jobs, places: Sequence[Place], actor_id: str, transaction: Transaction, clock: Clock
) -> None:
    """Remove for good what one owner has put into the trash: files at once, folders by walks in the background."""
    session = transaction.session
    folders = [place.node for place in places if place.node.is_folder]
    if folders:
        await store.trash.hide([folder.id for folder in folders], session)
    for folder in folders:
        await jobs.add("purge", folder, actor_id, session)
    files = [place for place in places if not place.node.is_folder]
    await purge_files(store, files, FileEventRecorder(transaction, actor_id), clock, session)
    await end_shares(store, files, actor_id, transaction)
    await end_links(store, files, transaction)


async def purge_files(
    store: Store, places: Sequence[Place], recorder: FileEventRecorder, clock: Clock, session: Any
) -> None:
    """Remove files of one owner with all their versions; their objects go once no other version refers to them."""
    if not places:
        return
    versions = await store.versions.of([place.node for place in places], session)
    freed = dict.fromkeys((place.node.id for place in places), 0)
    for version in versions:
        freed[version.node_id] += version.size
    await store.nodes.delete(list(freed), session)
    await store.versions.remove(versions, clock(), session)
    for place in places:
        recorder.purged(place, freed[place.node.id])
