"""Use cases of single files and folders: get, create, rename, move and tag."""

import dataclasses
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Literal

from docstore_events.transaction import Transaction
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.errors import InvalidMove, InvalidPath, NameTaken, NotAFolder
from docstore_metadata.storage import UseCases
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.access import Action, authorize, check_precondition, is_within
from docstore_metadata.tree.locks import NO_TOKENS, Holder
from docstore_metadata.tree.path_root import authorize_path, find_path_root, nearest_place, refuse_file_in_way
from docstore_metadata.tree.paths import MAX_DEPTH, check_name, split_path
from docstore_metadata.tree.places import Place, place_at
from docstore_metadata.tree.rules import CustomMetadata, Node, check_tags
from docstore_platform.mongodb.session import DatabaseError, is_duplicate
from docstore_platform.security.tokens import Principal

EDITED_ATTRIBUTES = ("name", "parent_id", "revision", "published_readers", "tags", "metadata", "hidden", "locks")


@dataclass(slots=True)
class FileService(UseCases):
    """Each use case is one transaction or one read. `lock_tokens`: locks that the caller names as its own."""

    trash: TrashService

    async def get(self, principal: Principal, node_id: str) -> Place:
        return authorize(principal, await self.tree.place(node_id), Action.READ)

    async def get_by_path(self, principal: Principal, path: str, parent_id: str | None = None) -> Place:
        """The node at a path that starts from a folder, by default the root."""
        base = await find_path_root(self.tree, principal, parent_id)
        return authorize(principal, await base.place(self.tree, path), Action.READ)

    async def ancestors(self, principal: Principal, node_id: str) -> list[Place]:
        """The folders it is in, from the topmost one that the caller may read down to its parent."""
        place = await self.get(principal, node_id)
        above = [Place(node, place.ancestors[:depth]) for depth, node in enumerate(place.ancestors)]
        return [
            folder
            for folder in above
            if is_within(folder, principal) and folder.permission_of(principal.account_id) is not None
        ]

    async def make_folder(
        self, principal: Principal, path: str, parent_id: str | None = None, lock_tokens: Container[str] = NO_TOKENS
    ) -> tuple[Place, bool]:
        """The folder at `path`, created with its missing parents; and whether it is new."""
        below, account_id = split_path(path), principal.account_id

        async def work(transaction: Transaction) -> tuple[Place, bool]:
            base = await find_path_root(self.tree, principal, parent_id, transaction.session)
            parts = base.full(below)
            found = await self.tree.walk(base.owner_id, [parts], transaction.session)
            authorize_path(principal, found, parts)
            refuse_file_in_way(found, parts)
            existing = place_at(found, parts)
            if existing is not None:
                if not existing.node.is_folder:
                    raise NameTaken(f"{path} is a file.")
                return existing, False
            Holder(account_id, lock_tokens, self.clock()).check(nearest_place(found, parts))
            changes = TreeChanges(self.clock(), account_id, principal.device)
            recorder = FileEventRecorder(transaction, account_id, by_link=principal.by_link)
            place = changes.make_folder(base.owner_id, parts, found, recorder)
            await changes.write(self.store, transaction.session)
            return place, True

        return await self.run_again_if_duplicate(work, lane=account_id)

    async def edit(
        self,
        principal: Principal,
        node_id: str,
        if_match: str | None,
        *,
        name: str | None = None,
        parent_id: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: CustomMetadata | None = None,
        replace: str | None = None,
        lock_tokens: Container[str] = NO_TOKENS,
    ) -> Place:
        """Rename, move, tag and describe in one write; None leaves a field as it is. A folder's contents follow it.

        `replace`: what has the new name, which is put into the trash. Locks do not follow what moves.
        """
        name = None if name is None else check_name(name)
        tags = None if tags is None else check_tags(tags)
        account_id = principal.account_id

        async def work(transaction: Transaction) -> Place:
            before = authorize(principal, await self.tree.place(node_id, transaction.session), Action.WRITE)
            check_precondition(before.node, if_match)
            holder = Holder(account_id, lock_tokens, self.clock())
            holder.check(before)
            recorder = FileEventRecorder(transaction, account_id, by_link=principal.by_link)
            if replace is not None:
                await self.trash.replace(principal, replace, holder, recorder, transaction)
            after = await self._moved(before, name, parent_id, principal, transaction)
            node = after.node
            if (node.parent_id, node.name) != (before.node.parent_id, before.node.name):
                holder.check_member(before)
                holder.check(Place(after.ancestors[-1], after.ancestors[:-1]))
                if node.is_folder:
                    await self.trash.check_unlocked_inside(before, holder, transaction.session)
                node.locks = ()
                if node.hidden:
                    node.hidden = False
                    recorder.restored(after)
                recorder.moved(after, before)
                if node.is_folder and after.readers != before.readers:
                    await self.store.jobs.add("settle", node, account_id, transaction, by_link=principal.by_link)
                node.published_readers = after.readers
            self._describe(after, recorder, tags=tags, metadata=metadata)
            if node.metadata is not before.node.metadata and not node.is_folder:
                await self.store.versions.describe(node.id, node.version, node.metadata, transaction.session)
            if node.revision != before.node.revision:
                touched = [parent for parent in (before.node.parent_id, node.parent_id) if parent]
                await self.store.nodes.bump(touched, transaction.session)
                await self.store.nodes.save([(node, EDITED_ATTRIBUTES)], transaction.session)
            return after

        try:
            return await self.transactor.run(work, lane=account_id)
        except DatabaseError as error:
            if is_duplicate(error):
                raise NameTaken("There is already something of that name.") from None
            raise

    def _describe(
        self,
        place: Place,
        recorder: FileEventRecorder,
        *,
        tags: tuple[str, ...] | None,
        metadata: CustomMetadata | None,
    ) -> None:
        node = place.node
        changed: list[Literal["tags", "metadata"]] = []
        if tags is not None and tags != node.tags:
            node.tags = tags
            changed.append("tags")
        if metadata is not None and metadata != node.metadata:
            node.metadata = metadata
            changed.append("metadata")
        if changed:
            recorder.tagged(place, *changed)

    async def _moved(
        self, place: Place, name: str | None, parent_id: str | None, principal: Principal, transaction: Transaction
    ) -> Place:
        """The place after the edit, with a copy of the node to change."""
        node, session = place.node, transaction.session
        if name not in (None, node.name) or parent_id not in (None, node.parent_id):
            authorize(principal, place, Action.MOVE)
        if node.is_root and (name is not None or parent_id is not None):
            raise InvalidMove("The root can be neither renamed nor moved.")
        name = node.name if name is None else name
        ancestors = place.ancestors
        if parent_id is not None and parent_id != node.parent_id:
            ancestors = await self._new_ancestors(place, parent_id, principal, transaction)
            if node.is_folder:
                await self._guard_folder_move(node, principal.account_id, transaction)
        moved = Place(
            dataclasses.replace(node, name=name, parent_id=ancestors[-1].id if ancestors else None), ancestors
        )
        if len(ancestors) > len(place.ancestors) and not await self.tree.fits(moved, session):
            raise InvalidPath(f"A path has at most {MAX_DEPTH} names.")
        parent_id = moved.node.parent_id
        is_elsewhere = parent_id is not None and (parent_id, name) != (node.parent_id, node.name)
        if is_elsewhere and await self.store.nodes.by_names([(parent_id or "", name)], session):
            raise NameTaken(f"There is already something called {name}.")
        return moved

    async def _new_ancestors(
        self, place: Place, parent_id: str, principal: Principal, transaction: Transaction
    ) -> tuple[Node, ...]:
        parent = authorize(principal, await self.tree.place(parent_id, transaction.session), Action.WRITE)
        if not parent.node.is_folder:
            raise NotAFolder("What it should be moved into is a file.")
        if parent.node.owner_id != place.node.owner_id:
            raise InvalidMove("It can't be moved into another account's folder: copy it instead.")
        ancestors = (*parent.ancestors, parent.node)
        if any(folder.id == place.node.id for folder in ancestors):
            raise InvalidMove("A folder can't be moved into itself.")
        return ancestors

    async def _guard_folder_move(self, node: Node, account_id: str, transaction: Transaction) -> None:
        """Serialize the folder moves of one account: two concurrent ones could form a circle.

        While another walk through the account's folders is running, it may have published outdated states of this
        folder's children: another walk corrects them.
        """
        await self.store.nodes.lock_folder_moves(node.owner_id, transaction.session)
        if await self.store.jobs.any_open(node.owner_id, transaction.session):
            await self.store.jobs.add("settle", node, account_id, transaction)
