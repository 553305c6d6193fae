"""The versions of a file: look through them, fetch one, go back to one."""

from collections.abc import Sequence

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.errors import NotAFile, NotFound
from docstore_metadata.journal.recorder import FileEventRecorder
from docstore_metadata.reservations import Reservation, Reservations
from docstore_metadata.retention.rules import Bounds
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.changes import TreeChanges
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Place
from docstore_metadata.versions.access import VersionAccess
from docstore_metadata.versions.adding import add_version, new_version
from docstore_metadata.versions.rules import Version
from docstore_platform.clock import Clock, utc_now
from docstore_platform.tokens import Principal


def require_file(place: Place) -> Place:
    if place.node.is_folder:
        raise NotAFile("A folder has no content and no versions.")
    return place


class VersionService:
    """The use cases around versions."""

    def __init__(
        self,
        store: Store,
        tree: Tree,
        transactor: Transactor,
        reservations: Reservations,
        access: VersionAccess,
        *,
        bounds: Bounds,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._reservations = reservations
        self._access = access
        self._bounds = bounds
        self._clock = clock

    async def newest_first(
        self, principal: Principal, node_id: str, before: int | None, limit: int
    ) -> tuple[Place, Sequence[Version]]:
        """Versions older than number `before`, or the newest."""
        place = await self._file(principal, node_id)
        first = await self._access.first_visible(principal.account_id, place)
        return place, await self._store.versions.before(node_id, first, before, limit)

    async def since(
        self, principal: Principal, node_id: str, number: int, limit: int
    ) -> tuple[Place, Sequence[Version]]:
        """Versions after `number`, the oldest first."""
        place = await self._file(principal, node_id)
        after = max(number, await self._access.first_visible(principal.account_id, place) - 1)
        return place, await self._store.versions.after(node_id, after, limit)

    async def fetch(self, principal: Principal, node_id: str, number: int | None) -> tuple[Place, Version]:
        """A file and the version asked for, or its current one."""
        place = await self._file(principal, node_id)
        if number is None or number == place.node.version:
            return place, new_version(place.node, upload_id=None)
        return place, await self._version(principal, place, number)

    async def restore(self, principal: Principal, node_id: str, number: int) -> Place:
        """Make an old version the current one again, as a new version that shares its object."""
        place = authorize(principal.account_id, await self._tree.place(node_id), Action.WRITE)
        if require_file(place).node.version == number:
            return place
        old = await self._version(principal, place, number)
        owner_id = place.node.owner_id
        reserved = await self._reservations.reserve(owner_id, [old.size])

        async def work(transaction: Transaction) -> Place:
            return await self._restore(principal, node_id, number, reserved[0], transaction)

        try:
            return await self._transactor.run(work, lane=principal.account_id)
        except Exception:
            await self._reservations.release(owner_id, reserved)
            raise

    async def _restore(
        self, principal: Principal, node_id: str, number: int, reserved: Reservation, transaction: Transaction
    ) -> Place:
        session = transaction.session
        place = authorize(principal.account_id, await self._tree.place(node_id, session), Action.WRITE)
        old = await self._store.versions.get(node_id, number, session)
        if old is None or not await self._store.versions.share_contents([old.object_key], session):
            raise NotFound("version")
        # A clock that is behind must not make the version before it look as if replaced long ago.
        now = max(self._clock(), await self._store.versions.now())
        changes = TreeChanges(now, principal.account_id, principal.device)
        recorder = FileEventRecorder(transaction, principal.account_id)
        node = place.node
        node.version += 1
        node.size, node.sha256, node.content_type = old.size, old.sha256, old.content_type
        node.object_key, node.client_modified_at = old.object_key, old.client_modified_at
        node.modified_at, node.modified_by, node.device = changes.now, principal.account_id, principal.device
        recorder.modified(place, added_bytes=old.size, upload_id=reserved.id)
        version = new_version(node, upload_id=reserved.id, restored_from=number)
        histories = {node_id: await self._store.versions.of([node], session)}
        add_version(place, version, histories, self._bounds, changes, recorder)
        await changes.write(self._store, session)
        return place

    async def _file(self, principal: Principal, node_id: str) -> Place:
        place = authorize(principal.account_id, await self._tree.place(node_id), Action.READ)
        return require_file(place)

    async def _version(self, principal: Principal, place: Place, number: int) -> Version:
        version = await self._store.versions.get(place.node.id, number)
        if version is None or number < await self._access.first_visible(principal.account_id, place):
            raise NotFound("version")
        return version
