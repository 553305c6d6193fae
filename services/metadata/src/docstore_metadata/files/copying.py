"""Copies files, and folders with all that is in them: new nodes that share the objects in S3."""

import dataclasses
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from docstore_events.transaction import Transaction
from docstore_metadata.changes.journal_writer_repository import MAX_ENTRIES, touch_owner_journals
from docstore_metadata.changes.new_versions import new_version
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.errors import InvalidMove, NameTaken, NotFound, TooLarge
from docstore_metadata.reservations import Reservation, Reservations
from docstore_metadata.storage import UseCases
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.locks import NO_TOKENS, Holder
from docstore_metadata.tree.path_root import (
    PathRoot,
    authorize_path,
    find_path_root,
    nearest_place,
    refuse_file_in_way,
)
from docstore_metadata.tree.paths import Parts, split_path
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import NO_WATERMARKS, NOBODY, Node
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import is_duplicate
from docstore_platform.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class Original:
    """A node to be copied, and the path of its copy below that of the topmost copy."""

    node: Node
    below: Parts


@dataclass(slots=True)
class Copier(UseCases):
    """Copies count towards the quota of the target's owner: the caller, or who shared a folder with them as editor."""

    reservations: Reservations
    trash: TrashService
    max_nodes: int

    async def copy(
        self,
        principal: Principal,
        node_id: str,
        path: str,
        parent_id: str | None = None,
        *,
        replace: str | None = None,
        lock_tokens: Container[str] = NO_TOKENS,
    ) -> Place:
        """The copy at `path`; missing parents are created. NameTaken if something exists there.

        `replace`: what exists there, which is put into the trash.
        """
        below = split_path(path)
        if not below:
            raise NameTaken("There is already something at /.")
        base = await find_path_root(self.tree, principal, parent_id)
        place = authorize(principal, await self.tree.place(node_id), Action.DOWNLOAD)
        if place.node.is_root:
            raise InvalidMove("The root can't be copied.")
        originals = await self._originals(place)
        for original in originals:
            base.full((*below, *original.below))
        parts = base.full(below)
        authorize_path(principal, await self.tree.walk(base.owner_id, [parts]), parts)
        files = [original.node for original in originals if not original.node.is_folder]
        reserved = await self.reservations.reserve(base.owner_id, [file.size for file in files])
        by_original = {file.id: reservation for file, reservation in zip(files, reserved, strict=True)}

        async def work(transaction: Transaction) -> Place:
            # Checked again: reading and reserving may have taken long.
            authorize(principal, await self.tree.place(node_id, transaction.session), Action.DOWNLOAD)
            now = await find_path_root(self.tree, principal, parent_id, transaction.session)
            holder = Holder(principal.account_id, lock_tokens, self.clock())
            recorder = FileEventRecorder(transaction, principal.account_id)
            if replace is not None:
                await self.trash.replace(principal, replace, holder, recorder, transaction)
            parts = now.full(below)
            return await self._write(principal, now, parts, originals, by_original, holder, recorder, transaction)

        try:
            return await self.transactor.run(work, lane=principal.account_id)
        except Exception as error:  # any failure means that nothing was copied: the reserved bytes are released
            await self.reservations.release(base.owner_id, reserved)
            if is_duplicate(error):
                raise NameTaken("There is already something of that name.") from None
            raise

    async def _originals(self, place: Place) -> list[Original]:
        """The node and everything below it, folders before their contents."""
        originals = [Original(place.node, ())]
        level = [original for original in originals if original.node.is_folder]
        while level:
            by_id = {original.node.id: original for original in level}
            room = self.max_nodes - len(originals)
            children = await self.store.nodes.children(by_id, room + 1)
            if len(children) > room:
                raise TooLarge(f"A folder with more than {self.max_nodes} files and folders in it can't be copied.")
            found = [Original(child, (*by_id[child.parent_id or ""].below, child.name)) for child in children]
            originals += found
            level = [original for original in found if original.node.is_folder]
        return originals

    async def _write(
        self,
        principal: Principal,
        base: PathRoot,
        parts: Parts,
        originals: Sequence[Original],
        reserved: Mapping[str, Reservation],
        holder: Holder,
        recorder: FileEventRecorder,
        transaction: Transaction,
    ) -> Place:
        session = transaction.session
        found = await self.tree.walk(base.owner_id, [parts], session)
        authorize_path(principal, found, parts)
        refuse_file_in_way(found, parts)
        if parts in found:
            raise NameTaken(f"There is already something called {parts[-1]}.")
        holder.check(nearest_place(found, parts))
        changes = TreeChanges(self.clock(), principal.account_id, principal.device)
        parent = changes.make_folder(base.owner_id, parts[:-1], found, recorder)
        people = 1 + len(parent.readers)
        if len(originals) * people > MAX_ENTRIES:
            raise TooLarge(f"{len(originals)} files and folders that {people} people see can't be copied at once.")
        if transaction.is_again:
            await touch_owner_journals(transaction.database, [base.owner_id], session)
        copies: dict[Parts, Place] = {}
        for original in originals:
            folder = copies[original.below[:-1]] if original.below else parent
            name = original.below[-1] if original.below else parts[-1]
            copy = folder.child(_copy_of(original.node, folder.node, name, principal, changes))
            copies[original.below] = copy
            reservation = reserved.get(original.node.id)
            changes.add(copy.node)
            if reservation is not None:
                changes.new_versions.append(new_version(copy.node, upload_id=reservation.id))
            recorder.created(copy, reservation.id if reservation else None)
        keys = [version.object_key for version in changes.new_versions]
        if not await self.store.versions.share_contents(keys, session):
            raise NotFound
        await changes.write(self.store, session)
        return copies[()]


def _copy_of(node: Node, folder: Node, name: str, principal: Principal, changes: TreeChanges) -> Node:
    is_file = not node.is_folder
    return dataclasses.replace(
        node,
        id=new_id(),
        owner_id=folder.owner_id,
        parent_id=folder.id,
        name=name,
        created_at=changes.now,
        modified_at=changes.now,
        modified_by=principal.account_id,
        device=principal.device,
        inserted_by="",
        revision=1,
        children_revision=0,
        version=1 if is_file else 0,
        kept_versions=1 if is_file else 0,
        replaced_from=None,
        cold_from=None,
        cold_version=0,
        indexed_version=0,
        preview_version=0,
        photo_at=None,
        hidden=False,
        shared_with=NOBODY,
        watermarks=NO_WATERMARKS,
        locks=(),
    )
