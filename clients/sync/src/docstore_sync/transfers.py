"""The bytes of a plan: what it sends and fetches, in batches, many at once."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from docstore_sync.ground import Ground
from docstore_sync.model import Action, Do, Node, Plan, Spot
from docstore_sync.outcome import Outcome
from docstore_sync.steps import PARALLEL, Download, Hands, Sent, StepFailed, Upload, together


class Transfers:
    """Carries out a plan's transfers. `made_by_uploads`: folders that the server makes with what is sent into them."""

    def __init__(
        self, plan: Plan, hands: Hands, ground: Ground, outcome: Outcome, made_by_uploads: Collection[Node]
    ) -> None:
        self._uploads = [action for action in plan.transfers if action.do is Do.UPLOAD]
        self._downloads = [action for action in plan.transfers if action.do is Do.DOWNLOAD]
        self._hands = hands
        self._ground = ground
        self._outcome = outcome
        self._made_by_uploads = made_by_uploads
        self._room = asyncio.Semaphore(PARALLEL)
        self._unknown: set[Node] = set()
        self._senders: defaultdict[str, list[Action]] = defaultdict(list)
        for action in self._uploads:
            if action.node.local:
                self._senders[action.node.local.sha256].append(action)

    async def run(self) -> None:
        await together(self._fetch_all(), self._send_in_turns())

    # --- there -------------------------------------------------------------------------------------------

    async def _send_in_turns(self) -> None:
        """What is replaced at the server is sent before, if it is here under another name now.

        Else a kill after the replacing could leave a record that takes that other for the replaced file, unchanged: its
        new version would be put over it. Where this can't be, as two files have exchanged their contents, or what was
        to go first is refused, nothing stays recorded of a file that is replaced: a kill leads to a conflict then.
        """
        left = set(self._uploads)
        while left:
            now = {action for action in left if self._goes_before(action) not in left} or left
            await self._send_all([action for action in self._uploads if action in now])
            left = left - now

    def _goes_before(self, action: Action) -> Action | None:
        """An upload that is still to send what this one replaces at the server."""
        replaced = action.node.remote
        senders = self._senders.get(replaced.sha256, []) if replaced else []
        while senders and _is_sent(senders[-1].node):
            senders.pop()
        return senders[-1] if senders else None

    async def _send_all(self, actions: Sequence[Action]) -> None:
        wanted: dict[Upload, Action] = {}
        for action in actions:
            try:
                wanted[self._upload_of(action)] = action
            except StepFailed as failure:
                self._outcome.failed(action, failure)
        unknown = [action.node for action in wanted.values() if self._goes_before(action)]
        if unknown:
            await self._ground.leave_unknown(unknown)
            self._unknown.update(unknown)
        await together(*(self._send(batch, wanted) for batch in self._hands.upload_batches(list(wanted))))

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
        for upload, answer in zip(batch, answers, strict=True):
            action = wanted[upload]
            if isinstance(answer, StepFailed):
                self._outcome.failed(action, answer)
                if action.node in self._unknown:
                    self._ground.known_again(action.node)
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
        self._outcome.finished(action)

    # --- here --------------------------------------------------------------------------------------------

    async def _fetch_all(self) -> None:
        wanted: dict[Download, Action] = {}
        for action in self._downloads:
            try:
                wanted[self._download_of(action)] = action
            except StepFailed as failure:
                self._outcome.failed(action, failure)
        await together(*(self._fetch(batch, wanted) for batch in self._hands.download_batches(list(wanted))))

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
        for download, answer in zip(batch, answers, strict=True):
            action = wanted[download]
            if isinstance(answer, StepFailed):
                self._outcome.failed(action, answer)
                continue
            node, parent = action.node, action.parent
            assert parent
            at = (node.local.parent, node.local.name) if node.local else (parent, action.name)
            self._ground.put_here(node, Spot(*at, answer, download.sha256))
            self._ground.settle(node)
            self._outcome.finished(action)


def _is_sent(node: Node) -> bool:
    return bool(node.local and node.remote and node.local.sha256 == node.remote.sha256)
