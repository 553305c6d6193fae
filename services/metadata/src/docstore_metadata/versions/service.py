"""Use cases of a file's versions: list them, get one, restore one."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from docstore_events.transaction import Transaction
from docstore_metadata.changes.new_versions import add_version, full_histories, new_version
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.errors import NotAFile, NotFound
from docstore_metadata.reservations import Reservation, Reservations
from docstore_metadata.storage import Store, UseCases
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.locks import NO_TOKENS, Holder
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.retention_policy import Bounds
from docstore_metadata.tree.rules import NO_METADATA, Version
from docstore_platform.security.tokens import Principal


def require_file(place: Place) -> Place:
    if place.node.is_folder:
        raise NotAFile("A folder has no content and no versions.")
    return place


async def first_visible_version(store: Store, account_id: str, place: Place) -> int:
    """Number of the first version that an account sees: the owner sees all, readers those since it was shared.

    The caller has checked that the account may read the file.
    """
    node = place.node
    if node.owner_id == account_id:
        return 1
    shares = await store.shares.of_nodes([node.id, *place.ancestor_ids])
    since = min((share.created_at for share in shares if share.account_id == account_id), default=None)
    if since is None:
        return node.version
    return await store.versions.number_at(node, since) or 1


@dataclass(slots=True)
class VersionService(UseCases):
    reservations: Reservations
    bounds: Bounds

    async def newest_first(
        self, principal: Principal, node_id: str, before: int | None, limit: int
    ) -> tuple[Place, Sequence[Version]]:
        """Versions older than number `before`, or the newest."""
        place = await self._file(principal, node_id)
        first = await first_visible_version(self.store, principal.account_id, place)
        return place, await self.store.versions.before(node_id, first, before, limit)

    async def since(
        self, principal: Principal, node_id: str, number: int, limit: int
    ) -> tuple[Place, Sequence[Version]]:
        """Versions after `number`, the oldest first."""
        place = await self._file(principal, node_id)
        after = max(number, await first_visible_version(self.store, principal.account_id, place) - 1)
        return place, await self.store.versions.after(node_id, after, limit)

    async def fetch(self, principal: Principal, node_id: str, number: int | None) -> tuple[Place, Version]:
        """A file and this version of it, by default the current one."""
        place = await self._file(principal, node_id)
        if number is None or number == place.node.version:
            return place, new_version(place.node, upload_id=None)
        return place, await self._version(principal, place, number)

    async def restore(
        self, principal: Principal, node_id: str, number: int, lock_tokens: Container[str] = NO_TOKENS
    ) -> Place:
        """Make an old version the current one again, as a new version that shares its object."""
        place = authorize(principal, await self.tree.place(node_id), Action.WRITE)
        if require_file(place).node.version == number:
            return place
        old = await self._version(principal, place, number)
        owner_id = place.node.owner_id
        reserved = await self.reservations.reserve(owner_id, [old.size])

        async def work(transaction: Transaction) -> Place:
            holder = Holder(principal.account_id, lock_tokens, self.clock())
            return await self._restore(principal, node_id, number, reserved[0], holder, transaction)

        try:
            return await self.transactor.run(work, lane=principal.account_id)
        except Exception:  # any failure means that nothing was restored: the reserved bytes are released
            await self.reservations.release(owner_id, reserved)
            raise

    async def _restore(
        self,
        principal: Principal,
        node_id: str,
        number: int,
        reserved: Reservation,
        holder: Holder,
        transaction: Transaction,
    ) -> Place:
        session = transaction.session
        place = authorize(principal, await self.tree.place(node_id, session), Action.WRITE)
        holder.check(place)
        old = await self.store.versions.get(node_id, number, session)
        if old is None or not await self.store.versions.share_contents([old.object_key], session):
            raise NotFound("version")
        # With a clock that is behind, the previous version would look as if replaced long ago.
        now = max(self.clock(), await self.store.versions.now())
        changes = TreeChanges(now, principal.account_id, principal.device)
        recorder = FileEventRecorder(transaction, principal.account_id)
        node = place.node
        node.begin_version(principal.account_id, changes.now, principal.device)
        node.size, node.sha256, node.content_type = old.size, old.sha256, old.content_type
        node.object_key, node.client_modified_at = old.object_key, old.client_modified_at
        node.metadata = old.metadata or NO_METADATA
        recorder.modified(place, added_bytes=old.size, upload_id=reserved.id)
        version = new_version(node, upload_id=reserved.id, restored_from=number)
        histories = await full_histories([place], self.bounds, changes.now, self.store, session)
        add_version(place, version, histories, self.bounds, changes, recorder)
        await changes.write(self.store, session)
        return place

    async def _file(self, principal: Principal, node_id: str) -> Place:
        return require_file(authorize(principal, await self.tree.place(node_id), Action.DOWNLOAD))

    async def _version(self, principal: Principal, place: Place, number: int) -> Version:
        version = await self.store.versions.get(place.node.id, number)
        if version is None or number < await first_visible_version(self.store, principal.account_id, place):
            raise NotFound("version")
        return version
