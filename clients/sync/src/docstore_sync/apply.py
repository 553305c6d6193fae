"""Carries out a plan: every step checks what it stands on, and is recorded once it is done.

A step whose ground has gone (an earlier one failed, somebody changed something) is left out: planning again finds what
is still to be done. So is everything after a kill, since what a step has done shows in the trees.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from docstore_sync.ground import Ground
from docstore_sync.ledger import LastingLedger
from docstore_sync.model import Action, Do, Kind, Node, Plan, Spot
from docstore_sync.names import Rules
from docstore_sync.outcome import Outcome
from docstore_sync.steps import PARALLEL, Hands, StepFailed, together
from docstore_sync.transfers import Transfers


class Applier:
    """Carries out one plan."""

    def __init__(
        self,
        plan: Plan,
        hands: Hands,
        ledger: LastingLedger,
        rules: Rules,
        *,
        on_done: Callable[[Action], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._hands = hands
        self._outcome = Outcome(on_done)
        self._ground = Ground(plan, ledger, rules)
        self._room = asyncio.Semaphore(PARALLEL)
        self._made_by_uploads = self._folders_of_uploads()
        self._unsent = self._still_unsent()
        """Content on the disk that is not yet at the server where it is to be: its only copy there is not deleted."""

    async def run(self) -> Outcome:
        plan = self._plan
        for action in plan.records:
            await self._step(action)
        await together(self._in_turn(plan.structure_here), self._structure_there(plan.structure_there))
        await Transfers(plan, self._hands, self._ground, self._outcome, self._made_by_uploads).run()
        self._unsent = self._still_unsent()
        await together(
            self._in_turn([action for action in plan.removals if action.do is Do.DELETE_HERE]),
            self._at_once([action for action in plan.removals if action.do is Do.DELETE_THERE]),
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

        await together(*(one(action) for action in actions))

    def _folders_of_uploads(self) -> set[Node]:
        """New folders that the server makes with the files that are sent into them."""
        found: set[Node] = set()
        for action in self._plan.transfers:
            above = action.parent if action.do is Do.UPLOAD else None
            while above is not None and not above.is_there and above not in found:
                found.add(above)
                above = above.goal.parent if above.goal else None
        return found

    async def _structure_there(self, actions: Sequence[Action]) -> None:
        """In turn, but new folders that stand beside each other are made at once."""
        beside: list[Action] = []
        needed = {action.parent for action in actions if action.do is Do.MOVE_THERE}
        self._made_by_uploads -= {each for node in needed if node for each in node.chain("goal")}
        for action in actions:
            if action.node in self._made_by_uploads:
                continue
            stands_on = {each.node for each in beside}
            if beside and (action.do is not Do.MAKE_THERE or action.parent in stands_on):
                await self._at_once(beside)
                beside = []
            if action.do is Do.MAKE_THERE:
                beside.append(action)
            else:
                await self._step(action)
        await self._at_once(beside)

    async def _step(self, action: Action) -> None:
        work = {
            Do.RECORD: self._record,
            Do.FORGET: self._forget,
            Do.MOVE_HERE: self._move_here,
            Do.MOVE_THERE: self._move_there,
            Do.MAKE_HERE: self._make_here,
            Do.MAKE_THERE: self._make_there,
            Do.DELETE_HERE: self._delete_here,
            Do.DELETE_THERE: self._delete_there,
        }[action.do]
        try:
            await work(action)
        except StepFailed as failure:
            self._outcome.failed(action, failure)
        else:
            self._outcome.finished(action)

    async def _record(self, action: Action) -> None:
        self._ground.settle(action.node)

    async def _forget(self, action: Action) -> None:
        self._ground.forget(action.node)

    # --- steps -------------------------------------------------------------------------------------------

    async def _move_here(self, action: Action) -> None:
        node, target, parent = action.node, self._ground.target_here(action), action.parent
        assert parent
        if node.local is None or node in parent.chain("local"):
            raise StepFailed("it is not where it was")
        await self._hands.move_here(node.path("local"), node.local.key, target)
        self._ground.put_here(node, Spot(parent, action.name, node.local.key, node.local.sha256))
        self._ground.settle(node)

    async def _move_there(self, action: Action) -> None:
        node, parent_id, parent = action.node, self._ground.target_there(action), action.parent
        assert parent
        if node.remote is None or node in parent.chain("remote"):
            raise StepFailed("it is not where it was at the server")
        remote = node.remote
        await self._hands.move_there(remote.key, parent_id, action.name)
        self._ground.put_there(node, Spot(parent, action.name, remote.key, remote.sha256, remote.version))
        self._ground.settle(node)

    async def _make_here(self, action: Action) -> None:
        node, target = action.node, self._ground.target_here(action)
        assert action.parent
        self._ground.put_here(node, Spot(action.parent, action.name, await self._hands.make_folder_here(target)))
        self._ground.settle(node)

    async def _make_there(self, action: Action) -> None:
        node, parent_id = action.node, self._ground.target_there(action)
        assert action.parent
        made = await self._hands.make_folder_there(parent_id, action.name)
        self._ground.put_there(node, Spot(action.parent, action.name, made))
        self._ground.settle(node)

    async def _delete_here(self, action: Action) -> None:
        node = action.node
        if node.local is None:
            raise StepFailed("it is not where it was")
        await self._hands.delete_here(node.path("local"), node.kind, node.local.key, node.local.sha256)
        self._ground.put_here(node, None)
        if node.remote is None:
            self._ground.forget(node)

    async def _delete_there(self, action: Action) -> None:
        node = action.node
        if node.remote is None:
            raise StepFailed("it is not at the server")
        inside = [node] if node.kind is Kind.FILE else [n for n in self._plan.nodes if node in n.chain("remote")]
        if not action.doomed.issuperset(inside):
            raise StepFailed("something that is kept is still in it")
        versions = {each.remote.key: each.remote.version for each in inside if each.remote}
        if self._unsent.isdisjoint(each.remote.sha256 for each in inside if each.remote and each.remote.sha256):
            await self._hands.delete_there(node.remote.key, versions)
        elif action in self._plan.removals:
            raise StepFailed("its content is still to be sent under another name")
        else:
            await self._clear_place(node.remote.key, versions, inside)
        for each in inside:
            self._ground.put_there(each, None)
            if each.local is None:
                self._ground.forget(each)

    async def _clear_place(self, node_id: str, versions: Mapping[str, int], inside: Sequence[Node]) -> None:
        """What is to be sent may wait for this place: its content goes first, and no record is left that a kill could
        have taken for what is here under another name."""
        await self._ground.leave_unknown(inside)
        try:
            await self._hands.delete_there(node_id, versions)
        except StepFailed:
            for each in inside:
                self._ground.known_again(each)
            raise
