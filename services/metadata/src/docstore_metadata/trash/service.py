"""Use cases of the trash: put into it, list, restore and delete for good.

A folder is put there in one write: its contents are unreachable from then on. A job in the background publishes the
change of each descendant.
"""

from collections.abc import Container, Sequence
from dataclasses import replace

from docstore_events.transaction import Transaction
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.errors import InvalidMove, OwnerOnly
from docstore_metadata.paging import moment_of, position_of
from docstore_metadata.storage import UseCases
from docstore_metadata.trash.purging import purge_trashed
from docstore_metadata.tree.access import Action, authorize, check_precondition
from docstore_metadata.tree.locks import NO_TOKENS, Holder
from docstore_metadata.tree.lookup import FOLDERS_AT_ONCE
from docstore_metadata.tree.paths import noted_names
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.mongodb.session import Session
from docstore_platform.security.tokens import Principal

RESTORED_ATTRIBUTES = ("parent_id", "name", "live", "revision", "published_readers", "trashed_at", "trashed_path")


class TrashService(UseCases):
    """Each use case is one transaction or one read."""

    async def put_in(
        self, principal: Principal, node_id: str, if_match: str | None, lock_tokens: Container[str] = NO_TOKENS
    ) -> None:
        """`lock_tokens`: locks that the caller names as its own. A lock ends when what it is on is deleted."""
        account_id = principal.account_id

        async def work(transaction: Transaction) -> None:
            place = authorize(principal, await self.tree.place(node_id, transaction.session), Action.DELETE)
            check_precondition(place.node, if_match)
            holder = Holder(account_id, lock_tokens, self.clock())
            recorder = FileEventRecorder(transaction, account_id, by_link=principal.by_link)
            await self._delete(place, holder, recorder, transaction)

        await self.transactor.run(work, lane=account_id)

    async def replace(
        self,
        principal: Principal,
        node_id: str,
        holder: Holder,
        recorder: FileEventRecorder,
        transaction: Transaction,
    ) -> None:
        """Delete what makes way for something else, in the transaction that puts that there."""
        place = authorize(principal, await self.tree.place(node_id, transaction.session), Action.DELETE)
        await self._delete(place, holder, recorder, transaction)

    async def _delete(
        self, place: Place, holder: Holder, recorder: FileEventRecorder, transaction: Transaction
    ) -> None:
        node, session, account_id = place.node, transaction.session, holder.account_id
        if node.parent_id is None:
            raise InvalidMove("The root can't be deleted.")
        holder.check_member(place)
        path = place.path
        changed = [node.parent_id]
        if node.is_folder:
            await self.check_unlocked_inside(place, holder, session)
            if node.owner_id != account_id:
                changed += await self._folders_of(account_id, node, session)
        recorder.deleted(place)
        await self.store.nodes.bump(changed, session)
        await self.store.trash.put_in(node, place.ancestors[0], path, self.clock(), session)
        if node.is_folder:
            await self.store.jobs.add("settle", node, account_id, transaction, by_link=recorder.by_link)

    async def check_unlocked_inside(self, folder: Place, holder: Holder, session: Session) -> None:
        """Locked if something in the folder is, unless the holder holds its lock."""
        locked = await self.store.annotated.locked(folder.node.owner_id, holder.now, session)
        if locked:
            places = await self.tree.places([node.id for node in locked], session)
            holder.check_inside(folder.node, list(places.values()))

    async def _folders_of(self, account_id: str, folder: Node, session: Session) -> list[str]:
        """This folder and those below it, if all that they contain was inserted by this account.

        The deletion writes them: it conflicts with what others insert meanwhile.
        """
        folders = await self.tree.folders_from(folder.id, session)
        if len(folders) > FOLDERS_AT_ONCE:
            raise OwnerOnly(f"It contains more than {FOLDERS_AT_ONCE} folders: only its owner can delete it.")
        if await self.store.nodes.any_of_others(folders, account_id, session):
            raise OwnerOnly("It contains files or folders that others added: only its owner can delete it.")
        return folders

    async def page(self, principal: Principal, cursor: str | None, limit: int) -> tuple[Sequence[Node], str | None]:
        """What an account has put into the trash, the latest first, and the cursor of the next page."""
        before = None
        if cursor:
            millis, node_id = decode_cursor(cursor, int, str)
            before = moment_of(millis), node_id
        rows = await self.store.trash.page(principal.account_id, before, limit + 1)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], encode_cursor(position_of(last.trashed_at), last.id)

    async def restore(self, principal: Principal, node_id: str) -> Place:
        """Restore it to its folder, or to the root if that is gone or its contents would be nested too deeply there.

        It is renamed if its name is taken.
        """
        account_id = principal.account_id

        async def work(transaction: Transaction) -> Place:
            session = transaction.session
            place = await self.tree.place(node_id, session)
            if place is not None and place.node.live:  # restored before: the response may have been lost
                return authorize(principal, place, Action.SHARE)
            place = authorize(principal, place, Action.RESTORE)
            parent = authorize(principal, await self._home(place, transaction), Action.WRITE)
            await self.store.nodes.bump([parent.node.id], session)
            name = await self._free_name(parent, place.node.name, transaction)
            restored = parent.child(
                replace(place.node, parent_id=parent.node.id, name=name, live=True, trashed_at=None, trashed_path="")
            )
            node = restored.node
            FileEventRecorder(transaction, account_id).restored(restored)
            node.published_readers = restored.readers
            await self.store.nodes.save([(node, RESTORED_ATTRIBUTES)], session)
            if node.is_folder:
                await self.store.jobs.add("settle", node, account_id, transaction)
            return restored

        return await self.transactor.run(work, lane=account_id)

    async def _home(self, place: Place, transaction: Transaction) -> Place:
        parent_id, session = place.node.parent_id, transaction.session
        parent = await self.tree.place(parent_id, session) if parent_id else None
        if parent is not None and parent.is_reachable:
            restored = parent.child(place.node)
            # The trash does not change: a folder fits where it was, and above.
            was_as_deep = len(restored.parts) <= place.node.trashed_path.count("/")
            if was_as_deep or await self.tree.fits(restored, session):
                return parent
        return await self.tree.root(place.node.owner_id, session)

    async def _free_name(self, parent: Place, name: str, transaction: Transaction) -> str:
        names = noted_names(name, "restored")
        same = await self.store.nodes.by_names([(parent.node.id, name)], transaction.session)
        return await self.store.nodes.free_name(parent.node.id, names, transaction.session) if same else name

    async def purge(self, principal: Principal, node_id: str) -> None:
        """Delete for good what is in the trash."""

        async def work(transaction: Transaction) -> None:
            place = await self.tree.place(node_id, transaction.session)
            place = authorize(principal, place, Action.PURGE)
            await purge_trashed(self.store, [place], principal.account_id, self.clock(), transaction)

        await self.transactor.run(work, lane=principal.account_id)
