"""The ground that steps stand on: where everything is while a plan is carried out, and what is recorded of it."""

from collections.abc import Iterable

from docstore_sync.ledger import LastingLedger
from docstore_sync.model import Action, Kind, Node, Plan, Spot, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.steps import StepFailed


class Ground:
    """Changes with every step that is done; a step whose ground has gone is refused."""

    def __init__(self, plan: Plan, ledger: LastingLedger, rules: Rules) -> None:
        self._ledger = ledger
        self._key = rules.key
        self._here = {(n.local.parent, rules.key(n.local.name)): n for n in plan.nodes if n.local}
        self._there = {(n.remote.parent, n.remote.name): n for n in plan.nodes if n.remote}

    # --- what both sides agree on ------------------------------------------------------------------------

    def settle(self, node: Node, sent: str = "") -> None:
        """Record what is now the same on both sides. `sent`: what was uploaded, whatever is there now."""
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
        if not parent_id:  # its folder was made with it, and the one above that is not known yet
            return
        if node.synced_id and node.synced_id != remote.key:
            self._ledger.forget(node.synced_id)
        self._ledger.record(SyncedEntry(remote.key, parent_id, place.name, node.kind, content, local.key))
        node.synced, node.synced_id = Spot(place.parent, place.name, local.key, content), remote.key

    def forget(self, node: Node) -> None:
        if node.synced_id:
            self._ledger.forget(node.synced_id)
        node.synced, node.synced_id = None, ""

    async def leave_unknown(self, nodes: Iterable[Node]) -> None:
        """Until they are settled, or `known_again`, nothing is recorded of them, whatever happens."""
        for node in nodes:
            if node.synced_id:
                self._ledger.forget(node.synced_id)
        await self._ledger.keep()

    def known_again(self, node: Node) -> None:
        """As it was before it was left unknown."""
        synced = node.synced
        parent_id = (synced.parent.remote_id or synced.parent.synced_id) if synced else ""
        if synced and parent_id:
            entry = SyncedEntry(node.synced_id, parent_id, synced.name, node.kind, synced.sha256, synced.key)
            self._ledger.record(entry)

    # --- the ground a step stands on ---------------------------------------------------------------------

    def target_here(self, action: Action) -> str:
        """Where it leads on the disk: the folder is there, and nothing in it has the name."""
        assert action.parent
        if not action.parent.is_here:
            raise StepFailed("its folder is not there yet")
        there = self._here.get((action.parent, self._key(action.name)))
        if there is not None and there is not action.node:
            raise StepFailed("its place is taken")
        return _join(action.parent.path("local"), action.name)

    def target_there(self, action: Action) -> str:
        """The id of the folder that it leads to."""
        assert action.parent
        if not action.parent.is_there:
            raise StepFailed("its folder is not at the server yet")
        if self._there.get((action.parent, action.name)) not in (None, action.node):
            raise StepFailed("its place at the server is taken")
        return action.parent.remote_id

    def put_here(self, node: Node, spot: Spot | None) -> None:
        if node.local is not None:
            del self._here[node.local.parent, self._key(node.local.name)]
        node.local = spot
        if spot is not None:
            self._here[spot.parent, self._key(spot.name)] = node

    def put_there(self, node: Node, spot: Spot | None) -> None:
        if node.remote is not None:
            del self._there[node.remote.parent, node.remote.name]
        node.remote = spot
        if spot is not None:
            self._there[spot.parent, spot.name] = node


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
