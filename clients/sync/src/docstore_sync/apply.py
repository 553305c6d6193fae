"""Carries out a plan: every step checks what it stands on, and is recorded once it is done.

A step whose ground has gone (an earlier one failed, somebody changed something) is left out: planning again finds what
is still to be done. So is everything after a kill, since what a step has done shows in the trees.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from docstore_sync.ground import Ground
from docstore_sync.model import Action, Do, Kind, Node, Plan, Spot
from docstore_sync.names import Rules
from docstore_sync.steps import Download, Hands, Ledger, Sent, StepFailed, Upload

PARALLEL = 16


@dataclass(slots=True)
class Outcome:
    """What has become of a plan."""

    done: int = 0
    failures: list[str] = field(default_factory=list)


class Applier:
    """Carries out one plan."""

    def __init__(
        self,
        plan: Plan,
        hands: Hands,
        ledger: Ledger,
        rules: Rules,
        *,
        on_done: Callable[[Action], None] = lambda _: None,
    ) -> None:
        self._plan = plan
        self._hands = hands
        self._on_done = on_done
        self._outcome = Outcome()
        self._ground = Ground(plan, ledger, rules)
        self._room = asyncio.Semaphore(PARALLEL)
        self._made_by_uploads = self._folders_of_uploads()
        self._unsent = self._still_unsent()
        """Content on the disk that is not yet at the server where it is to be: its only copy there is not deleted."""

    async def run(self) -> Outcome:
        plan = self._plan
        for action in plan.records:
            await self._step(action)
        await _together(self._in_turn(plan.structure_here), self._structure_there(plan.structure_there))
        waiting = self._too_early()
        await self._transfer([action for action in plan.transfers if action not in waiting])
        await self._transfer([action for action in plan.transfers if action in waiting])
        self._unsent = self._still_unsent()
        await _together(
            self._in_turn([action for action in plan.removals if action.do is Do.DELETE_HERE]),
            self._at_once([action for action in plan.removals if action.do is Do.DELETE_THERE]),
        )
        return self._outcome

    def _still_unsent(self) -> set[str]:
        pairs = ((node.local, node.remote) for node in self._plan.nodes if node.local and node.goal)
        return {local.sha256 for local, remote in pairs if remote is None or remote.sha256 != local.sha256}

    def _too_early(self) -> set[Action]:
        """Uploads that replace content at the server which is here under another name and not sent yet."""
        nodes = [node for node in self._plan.nodes if node.kind is Kind.FILE and node.goal and not node.remote]
        new = {node.local.sha256 for node in nodes if node.local}
        uploads = [action for action in self._plan.transfers if action.do is Do.UPLOAD] if new else []
        return {action for action in uploads if action.node.remote and action.node.remote.sha256 in new}

    async def _in_turn(self, actions: Sequence[Action]) -> None:
        for action in actions:
            await self._step(action)

    async def _at_once(self, actions: Sequence[Action]) -> None:
        async def one(action: Action) -> None:
            async with self._room:
                await self._step(action)

        await _together(*(one(action) for action in actions))

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
        together: list[Action] = []
        needed = {action.parent for action in actions if action.do is Do.MOVE_THERE}
        self._made_by_uploads -= {each for node in needed if node for each in node.chain("goal")}
        for action in actions:
            if action.node in self._made_by_uploads:
                continue
            stands_on = {each.node for each in together}
            if together and (action.do is not Do.MAKE_THERE or action.parent in stands_on):
                await self._at_once(together)
                together = []
            if action.do is Do.MAKE_THERE:
                together.append(action)
            else:
                await self._step(action)
        await self._at_once(together)

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
            self._failed(action, failure)
        else:
            self._finished(action)

    def _finished(self, action: Action) -> None:
        self._outcome.done += 1
        self._on_done(action)

    def _failed(self, action: Action, failure: StepFailed) -> None:
        self._outcome.failures.append(
            f"{action.do} {action.node.path('local') or action.node.path('remote')}: {failure}"
        )

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
        if not self._unsent.isdisjoint(each.remote.sha256 for each in inside if each.remote and each.remote.sha256):
            raise StepFailed("its content is still to be sent under another name")
        await self._hands.delete_there(
            node.remote.key, {each.remote.key: each.remote.version for each in inside if each.remote}
        )
        for each in inside:
            self._ground.put_there(each, None)
            if each.local is None:
                self._ground.forget(each)

    # --- bytes -------------------------------------------------------------------------------------------

    async def _transfer(self, actions: Sequence[Action]) -> None:
        sent: dict[Upload, Action] = {}
        fetched: dict[Download, Action] = {}
        too_early = self._too_early()
        for action in actions:
            try:
                if action in too_early:
                    raise StepFailed("what it replaces is still to be sent under another name")
                if action.do is Do.UPLOAD:
                    sent[self._upload_of(action)] = action
                else:
                    fetched[self._download_of(action)] = action
            except StepFailed as failure:
                self._failed(action, failure)
        await _together(
            *(self._fetch(batch, fetched) for batch in self._hands.download_batches(list(fetched))),
            *(self._send(batch, sent) for batch in self._hands.upload_batches(list(sent))),
        )

    def _upload_of(self, action: Action) -> Upload:
        node = action.node
        if node.local is None:
            raise StepFailed("it is not where it was")
        path, local = node.path("local"), node.local
        if node.remote is not None:
            parent_id, name = node.remote.parent.remote_id, node.remote.name
            return Upload(path, local.key, local.sha256, parent_id, name, node.remote.key, node.remote.version)
        parent, name = action.parent, action.name
        while parent is not None and not parent.is_there and parent in self._made_by_uploads:
            above = parent.goal
            assert above
            parent, name = above.parent, f"{above.name}/{name}"
        parent_id = self._ground.target_there(replace(action, parent=parent, name=name))
        return Upload(path, local.key, local.sha256, parent_id, name)

    async def _send(self, batch: Sequence[Upload], wanted: dict[Upload, Action]) -> None:
        async with self._room:
            answers = await self._hands.upload(batch)
        with self._ground.together():
            for upload, answer in zip(batch, answers, strict=True):
                action = wanted[upload]
                if isinstance(answer, StepFailed):
                    self._failed(action, answer)
                else:
                    self._sent(action, answer)

    def _sent(self, action: Action, answer: Sent) -> None:
        node, parent = action.node, action.parent
        assert parent
        old = node.remote
        if not parent.is_there and parent.goal:
            self._ground.put_there(parent, Spot(parent.goal.parent, parent.goal.name, answer.parent_id))
            self._ground.settle(parent)
        at = (old.parent, old.name) if old else (parent, action.name)
        self._ground.put_there(node, Spot(*at, answer.id, answer.sha256, answer.version))
        self._ground.settle(node, answer.sha256)
        self._finished(action)

    def _download_of(self, action: Action) -> Download:
        node, remote = action.node, action.node.remote
        if remote is None:
            raise StepFailed("it is not at the server")
        replaces = None
        if node.local is not None:
            path, replaces = node.path("local"), (node.local.key, node.local.sha256)
        else:
            path = self._ground.target_here(action)
        return Download(path, remote.key, remote.version, remote.sha256, replaces)

    async def _fetch(self, batch: Sequence[Download], wanted: dict[Download, Action]) -> None:
        async with self._room:
            answers = await self._hands.download(batch)
        with self._ground.together():
            for download, answer in zip(batch, answers, strict=True):
                action = wanted[download]
                if isinstance(answer, StepFailed):
                    self._failed(action, answer)
                    continue
                node, parent = action.node, action.parent
                assert parent
                at = (node.local.parent, node.local.name) if node.local else (parent, action.name)
                self._ground.put_here(node, Spot(*at, answer, download.sha256))
                self._ground.settle(node)
                self._finished(action)


async def _together(*work: Coroutine[Any, Any, None]) -> None:
    """All at once; what one of them raises ends the others, too, before it goes on up."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
