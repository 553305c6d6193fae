"""Transfers of a plan: uploads and downloads in parallel batches."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from docstore_sync.execution.locations import NodeLocations
from docstore_sync.execution.outcome import Outcome
from docstore_sync.model import Action, ActionType, BegunUpload, Location, Node, Plan
from docstore_sync.steps import PARALLEL, Download, StepExecutor, StepFailed, Upload, Uploaded, run_all


class Transfers:
    """Carries out a plan's transfers. `made_by_uploads`: folders that the server creates with the uploads into them."""

    def __init__(
        self,
        plan: Plan,
        executor: StepExecutor,
        locations: NodeLocations,
        outcome: Outcome,
        made_by_uploads: Collection[Node],
    ) -> None:
        self._uploads = [action for action in plan.transfers if action.do is ActionType.UPLOAD]
        self._downloads = [action for action in plan.transfers if action.do is ActionType.DOWNLOAD]
        self._executor = executor
        self._locations = locations
        self._outcome = outcome
        self._made_by_uploads = made_by_uploads
        self._room = asyncio.Semaphore(PARALLEL)

    async def run(self) -> None:
        await run_all(self._fetch_all(), self._send_all())

    # --- uploads -----------------------------------------------------------------------------------------

    async def _send_all(self) -> None:
        wanted: dict[Upload, Action] = {}
        for action in self._uploads:
            try:
                wanted[self._upload_of(action)] = action
            except StepFailed as failure:
                self._outcome.failed(action, failure)
        replacing = [BegunUpload(each.file_id, each.base_version, each.sha256) for each in wanted if each.file_id]
        if replacing:
            await self._locations.begin_uploads(replacing)
        await run_all(*(self._send(batch, wanted) for batch in self._executor.upload_batches(list(wanted))))

    def _upload_of(self, action: Action) -> Upload:
        node = action.node
        if node.local is None:
            raise StepFailed("it was moved in the meantime")
        path, local = node.path("local"), node.local
        if node.remote is not None:
            parent_id, name = node.remote.parent.remote_id, node.remote.name
            return Upload(path, local.key, local.sha256, parent_id, name, node.remote.key, node.remote.version)
        parent, name = action.parent, action.name
        while parent is not None and not parent.is_remote and parent in self._made_by_uploads:
            above = parent.goal
            assert above
            parent, name = above.parent, f"{above.name}/{name}"
        parent_id = self._locations.remote_target(replace(action, parent=parent, name=name))
        return Upload(path, local.key, local.sha256, parent_id, name)

    async def _send(self, batch: Sequence[Upload], wanted: dict[Upload, Action]) -> None:
        async with self._room:
            results = await self._executor.upload(batch)
        for upload, response in zip(batch, results, strict=True):
            action = wanted[upload]
            if isinstance(response, StepFailed):
                self._outcome.failed(action, response)
            else:
                self._uploaded(action, response)

    def _uploaded(self, action: Action, response: Uploaded) -> None:
        node, parent = action.node, action.parent
        assert parent
        old = node.remote
        if not parent.is_remote and parent.goal:
            self._locations.set_remote(parent, Location(parent.goal.parent, parent.goal.name, response.parent_id))
            self._locations.record(parent)
        at = (old.parent, old.name) if old else (parent, action.name)
        self._locations.set_remote(node, Location(*at, response.id, response.sha256, response.version))
        self._locations.record(node, response.sha256)
        self._outcome.finished(action)

    # --- downloads ---------------------------------------------------------------------------------------

    async def _fetch_all(self) -> None:
        wanted: dict[Download, Action] = {}
        for action in self._downloads:
            try:
                wanted[self._download_of(action)] = action
            except StepFailed as failure:
                self._outcome.failed(action, failure)
        await run_all(*(self._fetch(batch, wanted) for batch in self._executor.download_batches(list(wanted))))

    def _download_of(self, action: Action) -> Download:
        node, remote = action.node, action.node.remote
        if remote is None:
            raise StepFailed("it no longer exists on the server")
        replaces = None
        if node.local is not None:
            path, replaces = node.path("local"), (node.local.key, node.local.sha256)
        else:
            path = self._locations.local_target(action)
        return Download(path, remote.key, remote.version, remote.sha256, replaces)

    async def _fetch(self, batch: Sequence[Download], wanted: dict[Download, Action]) -> None:
        async with self._room:
            results = await self._executor.download(batch)
        for download, response in zip(batch, results, strict=True):
            action = wanted[download]
            if isinstance(response, StepFailed):
                self._outcome.failed(action, response)
                continue
            node, parent = action.node, action.parent
            assert parent
            at = (node.local.parent, node.local.name) if node.local else (parent, action.name)
            self._locations.set_local(node, Location(*at, response, download.sha256))
            self._locations.record(node)
            self._outcome.finished(action)
