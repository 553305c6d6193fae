"""What people do with single files and folders: look, make, rename, move and tag."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.errors import InvalidMove, InvalidPath, NameTaken, NotAFolder, PreconditionFailed
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.changes import TreeChanges
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.path_root import authorize_path, find_path_root, refuse_file_in_way
from docstore_metadata.tree.paths import MAX_DEPTH, check_name, split_path
from docstore_metadata.tree.rules import Node, Place, check_tags, place_at
from docstore_platform.clock import Clock, utc_now
from docstore_platform.database import DatabaseError, Session, is_duplicate
from docstore_platform.tokens import Principal

EDITED_ATTRIBUTES = ("name", "parent_id", "revision", "told_readers", "tags", "hidden")


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to a node's own description; None leaves a field as it is."""

    name: str | None = None
    parent_id: str | None = None
    tags: Sequence[str] | None = None


def check_precondition(node: Node, if_match: str | None) -> None:
    """PreconditionFailed unless `if_match` (RFC 9110, 13.1.1) is absent, `*` or names the node's current state."""
    if if_match is None or if_match.strip() == "*":
        return
    etags = {etag.strip().removeprefix("W/").strip('"') for etag in if_match.split(",")}
    if node.etag.strip('"') not in etags:
        raise PreconditionFailed("It has changed since you last saw it.", etag=node.etag)


class FileService:
    """The use cases, each one transaction."""

    def __init__(self, store: Store, tree: Tree, transactor: Transactor, jobs: Jobs, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._jobs = jobs
        self._clock = clock

    async def get(self, principal: Principal, node_id: str) -> Place:
        return authorize(principal.account_id, await self._tree.place(node_id), Action.READ)

    async def get_by_path(self, principal: Principal, path: str, parent_id: str | None = None) -> Place:
        """What is at a path that starts from a folder, by default the root."""
        base = await find_path_root(self._tree, principal.account_id, parent_id)
        return authorize(principal.account_id, await base.place(self._tree, path), Action.READ)

    async def ancestors(self, principal: Principal, node_id: str) -> list[Place]:
        """The folders it is in, from the topmost one that the caller may read down to its parent."""
        place = await self.get(principal, node_id)
        above = [Place(node, place.ancestors[:depth]) for depth, node in enumerate(place.ancestors)]
        return [folder for folder in above if folder.permission_of(principal.account_id) is not None]

    async def make_folder(self, principal: Principal, path: str, parent_id: str | None = None) -> tuple[Place, bool]:
        """The folder at `path`, made with those above it; whether it is new."""
        below, account_id = split_path(path), principal.account_id

        async def work(transaction: Transaction) -> tuple[Place, bool]:
            base = await find_path_root(self._tree, account_id, parent_id, transaction.session)
            parts = base.full(below)
            found = await self._tree.walk(base.owner_id, [parts], transaction.session)
            authorize_path(account_id, found, parts)
            refuse_file_in_way(found, parts)
            there = place_at(found, parts)
            if there is not None:
                if not there.node.is_folder:
                    raise NameTaken(f"{path} is a file.")
                return there, False
            changes = TreeChanges(self._clock(), account_id, principal.device)
            place = changes.make_folder(base.owner_id, parts, found, FileEventRecorder(transaction, account_id))
            await changes.write(self._store, transaction.session)
            return place, True

        try:
            return await self._transactor.run(work, lane=principal.account_id)
        except DatabaseError as error:
            if not is_duplicate(error):
                raise
            return await self._transactor.run(work, lane=principal.account_id)

    async def edit(self, principal: Principal, node_id: str, edit: Edit, if_match: str | None) -> Place:
        """Rename, move and tag in one go. A folder takes along all that is in it: that is one write, too."""
        name = None if edit.name is None else check_name(edit.name)
        tags = None if edit.tags is None else check_tags(edit.tags)

        async def work(transaction: Transaction) -> Place:
            before = await self._tree.place(node_id, transaction.session)
            before = authorize(principal.account_id, before, Action.WRITE)
            check_precondition(before.node, if_match)
            recorder = FileEventRecorder(transaction, principal.account_id)
            after = await self._moved(before, name, edit.parent_id, principal, transaction.session)
            node = after.node
            if (node.parent_id, node.name) != (before.node.parent_id, before.node.name):
                if node.hidden:
                    node.hidden = False
                    recorder.restored(after)
                recorder.moved(after, before)
                if node.is_folder and after.readers != before.readers:
                    await self._jobs.add("settle", node, principal.account_id, transaction.session)
                node.told_readers = after.readers
            if tags is not None and tags != node.tags:
                node.tags = tags
                recorder.tagged(after)
            if node.revision != before.node.revision:
                touched = [parent for parent in (before.node.parent_id, node.parent_id) if parent]
                await self._store.nodes.bump(touched, transaction.session)
                await self._store.nodes.save([(node, EDITED_ATTRIBUTES)], transaction.session)
            return after

        try:
            after = await self._transactor.run(work, lane=principal.account_id)
        except DatabaseError as error:
            if is_duplicate(error):
                raise NameTaken("There is already something of that name.") from None
            raise
        self._jobs.wake()
        return after

    async def _moved(
        self, place: Place, name: str | None, parent_id: str | None, principal: Principal, session: Session
    ) -> Place:
        """Where the node will be, with a node of its own to change."""
        node = replace(place.node)
        if name not in (None, node.name) or parent_id not in (None, node.parent_id):
            authorize(principal.account_id, place, Action.MOVE)
        if node.is_root and (name is not None or parent_id is not None):
            raise InvalidMove("The root can be neither renamed nor moved.")
        name = node.name if name is None else name
        ancestors = place.ancestors
        if parent_id is not None and parent_id != node.parent_id:
            ancestors = await self._new_ancestors(place, parent_id, principal.account_id, session)
            if node.is_folder:
                await self._guard_folder_move(place, principal.account_id, session)
        moved = Place(replace(node, name=name, parent_id=ancestors[-1].id if ancestors else None), ancestors)
        if len(ancestors) > len(place.ancestors) and not await self._tree.fits(moved, session):
            raise InvalidPath(f"A path has at most {MAX_DEPTH} names.")
        parent_id = moved.node.parent_id
        is_elsewhere = parent_id is not None and (parent_id, name) != (node.parent_id, node.name)
        if is_elsewhere and await self._store.nodes.by_names([(parent_id or "", name)], session):
            raise NameTaken(f"There is already something called {name}.")
        return moved

    async def _new_ancestors(self, place: Place, parent_id: str, account_id: str, session: Session) -> tuple[Node, ...]:
        parent = authorize(account_id, await self._tree.place(parent_id, session), Action.WRITE)
        if not parent.node.is_folder:
            raise NotAFolder("What it should be moved into is a file.")
        if parent.node.owner_id != place.node.owner_id:
            raise InvalidMove("It can't be moved into what belongs to somebody else: copy it.")
        ancestors = (*parent.ancestors, parent.node)
        if any(folder.id == place.node.id for folder in ancestors):
            raise InvalidMove("A folder can't be moved into itself.")
        return ancestors

    async def _guard_folder_move(self, place: Place, account_id: str, session: Session) -> None:
        """Let two moves of folders of one account never go by each other: together they could close a circle.

        And where a walk through the account's folders is still under way, what it may have said of the children of
        this one is set right by another walk.
        """
        node = place.node
        await self._store.nodes.lock_folder_moves(node.owner_id, session)
        if await self._jobs.any_open(node.owner_id, session):
            await self._jobs.add("settle", node, account_id, session)
