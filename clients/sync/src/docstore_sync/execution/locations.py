"""Node locations while a plan is carried out, and the synced records that follow from them."""

from collections.abc import Iterable

from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.model import Action, BegunRemoval, BegunUpload, Kind, Location, Node, Plan, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.steps import StepFailed


class NodeLocations:
    """Current locations of all nodes. Each finished step updates them; a step with an invalid target fails."""

    def __init__(self, plan: Plan, ledger: DurableLedger, rules: Rules) -> None:
        self._ledger = ledger
        self._key = rules.key
        self._here = {(n.local.parent, rules.key(n.local.name)): n for n in plan.nodes if n.local}
        self._there = {(n.remote.parent, n.remote.name): n for n in plan.nodes if n.remote}
        self._begun_removals: set[BegunRemoval] = set()

    # --- synced records ------------------------------------------------------------------------------------

    def record(self, node: Node, sent: str = "") -> None:
        """Record the state that both sides share. `sent`: checksum of the uploaded content, if it was uploaded."""
        local, remote, synced = node.local, node.remote, node.synced
        if local is None or remote is None:
            return
        place = remote
        if synced is not None and not local.is_at(remote.parent, remote.name):
            place = synced
        content = remote.sha256 if sent or local.sha256 == remote.sha256 else synced.sha256 if synced else ""
        if node.kind is Kind.FILE and not content:
            return
        parent_id = place.parent.remote_id or (place.parent.synced_id if place is synced else "")
        if not parent_id:  # the parent was created by the upload and its own parent's id is not known yet
            return
        if node.synced_id and node.synced_id != remote.key:
            self._ledger.forget(node.synced_id)
        self._ledger.record(SyncedEntry(remote.key, parent_id, place.name, node.kind, content, local.key))
        node.synced, node.synced_id = Location(place.parent, place.name, local.key, content), remote.key

    def forget(self, node: Node) -> None:
        if node.synced_id:
            self._ledger.forget(node.synced_id)
        node.synced, node.synced_id = None, ""

    async def begin_uploads(self, uploads: Iterable[BegunUpload]) -> None:
        await self._ledger.begin_uploads(uploads)

    async def begin_removals(self, nodes: Iterable[Node]) -> None:
        """Record that local copies are going to be deleted: after a kill it must not look as if the user did it."""
        begun = {BegunRemoval(node.synced_id, node.path("local")) for node in nodes if node.synced_id and node.local}
        if begun := begun - self._begun_removals:
            await self._ledger.begin_removals(begun)
            self._begun_removals |= begun

    async def discard_records(self, nodes: Iterable[Node]) -> None:
        """Delete the records of nodes until `record` or `restore_record`, so that a kill leaves none."""
        for node in nodes:
            if node.synced_id:
                self._ledger.forget(node.synced_id)
        await self._ledger.commit()

    def restore_record(self, node: Node) -> None:
        """Restore a record that `discard_records` has deleted."""
        synced = node.synced
        parent_id = (synced.parent.remote_id or synced.parent.synced_id) if synced else ""
        if synced and parent_id:
            entry = SyncedEntry(node.synced_id, parent_id, synced.name, node.kind, synced.sha256, synced.key)
            self._ledger.record(entry)

    # --- targets -------------------------------------------------------------------------------------------

    def local_target(self, action: Action) -> str:
        """Local path of the action's target. StepFailed if its folder is missing or the name is taken."""
        assert action.parent
        if not action.parent.is_local:
            raise StepFailed("its folder does not exist yet")
        there = self._here.get((action.parent, self._key(action.name)))
        if there is not None and there is not action.node:
            raise StepFailed("its name is taken")
        return _join(action.parent.path("local"), action.name)

    def remote_target(self, action: Action) -> str:
        """Id of the target folder. StepFailed if it is missing or the name is taken."""
        assert action.parent
        if not action.parent.is_remote:
            raise StepFailed("its folder does not exist on the server yet")
        if self._there.get((action.parent, action.name)) not in (None, action.node):
            raise StepFailed("its name is taken on the server")
        return action.parent.remote_id

    def set_local(self, node: Node, location: Location | None) -> None:
        if node.local is not None:
            del self._here[node.local.parent, self._key(node.local.name)]
        node.local = location
        if location is not None:
            self._here[location.parent, self._key(location.name)] = node

    def set_remote(self, node: Node, location: Location | None) -> None:
        if node.remote is not None:
            del self._there[node.remote.parent, node.remote.name]
        node.remote = location
        if location is not None:
            self._there[location.parent, location.name] = node


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
