"""Carries out a plan. Each step checks its preconditions and is recorded when it is done.

A step whose preconditions no longer hold (an earlier step failed, a user changed something) is skipped: the next plan
contains what is left to do. The same holds after a kill, because finished steps are visible in the trees.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from docstore_sync.execution.ledger import DurableLedger
from docstore_sync.execution.locations import NodeLocations
from docstore_sync.execution.outcome import Outcome
from docstore_sync.execution.transfers import Transfers
from docstore_sync.model import Action, ActionType, Kind, Location, Node, Plan
from docstore_sync.names import Rules
from docstore_sync.steps import PARALLEL, StepExecutor, StepFailed, run_all


class Applier:
    """Carries out one plan."""

    def __init__(
        self,
        plan: Plan,
        executor: StepExecutor,
        ledger: DurableLedger,
        rules: Rules,
        *,
        on_done: Callable[[Action], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._executor = executor
        self._outcome = Outcome(on_done)
        self._locations = NodeLocations(plan, ledger, rules)
        self._room = asyncio.Semaphore(PARALLEL)
        self._made_by_uploads = self._folders_of_uploads()
        self._unsent = self._still_unsent()
        """Hashes of local content that is not yet on the server at its goal: its only copy there is not deleted."""

    async def run(self) -> Outcome:
        plan = self._plan
        for action in plan.records:
            await self._step(action)
        await run_all(self._in_turn(plan.local_structure), self._remote_structure(plan.remote_structure))
        await Transfers(plan, self._executor, self._locations, self._outcome, self._made_by_uploads).run()
        self._unsent = self._still_unsent()
        removals = [action for action in plan.removals if action.do is ActionType.DELETE_LOCAL]
        await self._locations.begin_removals([action.node for action in removals])
        await run_all(
            self._in_turn(removals),
            self._at_once([action for action in plan.removals if action.do is ActionType.DELETE_REMOTE]),
        )
        return self._outcome

    def _still_unsent(self) -> set[str]:
        pairs = ((node.local, node.remote) for node in self._plan.nodes if node.local and node.goal)
        return {local.sha256 for local, remote in pairs if remote is None or remote.sha256 != local.sha256}

    async def _in_turn(self, actions: Sequence[Action]) -> None:
        for action in actions:
            await self._step(action)

    async def _at_once(self, actions: Sequence[Action]) -> None:
        async def one(action: Action) -> None:
            async with self._room:
                await self._step(action)

        await run_all(*(one(action) for action in actions))

    def _folders_of_uploads(self) -> set[Node]:
        """New folders that the server creates together with the files uploaded into them."""
        found: set[Node] = set()
        for action in self._plan.transfers:
            above = action.parent if action.do is ActionType.UPLOAD else None
            while above is not None and not above.is_remote and above not in found:
                found.add(above)
                above = above.goal.parent if above.goal else None
        return found

    async def _remote_structure(self, actions: Sequence[Action]) -> None:
        """Carry out structure steps in order; create sibling folders in parallel."""
        beside: list[Action] = []
        needed = {action.parent for action in actions if action.do is ActionType.MOVE_REMOTE}
        self._made_by_uploads -= {each for node in needed if node for each in node.chain("goal")}
        for action in actions:
            if action.node in self._made_by_uploads:
                continue
            stands_on = {each.node for each in beside}
            if beside and (action.do is not ActionType.MAKE_REMOTE or action.parent in stands_on):
                await self._at_once(beside)
                beside = []
            if action.do is ActionType.MAKE_REMOTE:
                beside.append(action)
            else:
                await self._step(action)
        await self._at_once(beside)

    async def _step(self, action: Action) -> None:
        work = {
            ActionType.RECORD: self._record,
            ActionType.FORGET: self._forget,
            ActionType.MOVE_LOCAL: self._move_local,
            ActionType.MOVE_REMOTE: self._move_remote,
            ActionType.MAKE_LOCAL: self._make_local,
            ActionType.MAKE_REMOTE: self._make_remote,
            ActionType.DELETE_LOCAL: self._delete_local,
            ActionType.DELETE_REMOTE: self._delete_remote,
        }[action.do]
        try:
            await work(action)
        except StepFailed as failure:
            self._outcome.failed(action, failure)
        else:
            self._outcome.finished(action)

    async def _record(self, action: Action) -> None:
        self._locations.record(action.node)

    async def _forget(self, action: Action) -> None:
        self._locations.forget(action.node)

    # --- steps -------------------------------------------------------------------------------------------

    async def _move_local(self, action: Action) -> None:
        node, target, parent = action.node, self._locations.local_target(action), action.parent
        assert parent
        if node.local is None or node in parent.chain("local"):
            raise StepFailed("it was moved in the meantime")
        await self._executor.move_local(node.path("local"), node.local.key, target)
        self._locations.set_local(node, Location(parent, action.name, node.local.key, node.local.sha256))
        self._locations.record(node)

    async def _move_remote(self, action: Action) -> None:
        node, parent_id, parent = action.node, self._locations.remote_target(action), action.parent
        assert parent
        if node.remote is None or node in parent.chain("remote"):
            raise StepFailed("it was moved on the server in the meantime")
        remote = node.remote
        await self._executor.move_remote(remote.key, parent_id, action.name)
        self._locations.set_remote(node, Location(parent, action.name, remote.key, remote.sha256, remote.version))
        self._locations.record(node)

    async def _make_local(self, action: Action) -> None:
        node, target = action.node, self._locations.local_target(action)
        assert action.parent
        self._locations.set_local(
            node, Location(action.parent, action.name, await self._executor.make_folder_local(target))
        )
        self._locations.record(node)

    async def _make_remote(self, action: Action) -> None:
        node, parent_id = action.node, self._locations.remote_target(action)
        assert action.parent
        made = await self._executor.make_folder_remote(parent_id, action.name)
        self._locations.set_remote(node, Location(action.parent, action.name, made))
        self._locations.record(node)

    async def _delete_local(self, action: Action) -> None:
        node = action.node
        if node.local is None:
            raise StepFailed("it was moved in the meantime")
        await self._locations.begin_removals([node])
        await self._executor.delete_local(node.path("local"), node.kind, node.local.key, node.local.sha256)
        self._locations.set_local(node, None)
        if node.remote is None or node.skip_reason:
            self._locations.forget(node)

    async def _delete_remote(self, action: Action) -> None:
        node = action.node
        if node.remote is None:
            raise StepFailed("it no longer exists on the server")
        inside = [node] if node.kind is Kind.FILE else [n for n in self._plan.nodes if node in n.chain("remote")]
        if not action.deleted_nodes.issuperset(inside):
            raise StepFailed("it contains something that is kept")
        versions = {each.remote.key: each.remote.version for each in inside if each.remote}
        if self._unsent.isdisjoint(each.remote.sha256 for each in inside if each.remote and each.remote.sha256):
            await self._executor.delete_remote(node.remote.key, versions)
        elif action in self._plan.removals:
            raise StepFailed("its content must be uploaded under another name first")
        else:
            await self._clear_place(node.remote.key, versions, inside)
        for each in inside:
            self._locations.set_remote(each, None)
            if each.local is None:
                self._locations.forget(each)

    async def _clear_place(self, node_id: str, versions: Mapping[str, int], inside: Sequence[Node]) -> None:
        """Delete content from the server although its local copy is not uploaded yet: the upload needs the place.
        The records are deleted first: after a kill, they could match the copy under its other name."""
        await self._locations.discard_records(inside)
        try:
            await self._executor.delete_remote(node_id, versions)
        except StepFailed:
            for each in inside:
                self._locations.restore_record(each)
            raise
