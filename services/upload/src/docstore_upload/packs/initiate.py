"""Initiation of a pack: metadata checks its files, quota reserves their bytes, then the pack is stored.

Any number of files costs one question each and one small transaction. A reservation that a crash leaves behind ends
by itself.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import orjson

from docstore_contents.packs import MAX_PACK_BYTES
from docstore_contents.s3.store import ObjectStore
from docstore_events.transaction import Transaction, Transactor
from docstore_events.uploads import PackInitiated, slice_upload_id
from docstore_platform.clock import Clock, rfc3339
from docstore_platform.ids import new_id
from docstore_platform.problems import Problem, invalid
from docstore_platform.tokens import Principal
from docstore_upload.lifecycle.clients import Json, ServiceClients, item_problem
from docstore_upload.lifecycle.content_types import content_type_of
from docstore_upload.lifecycle.initiation import CHECKED, over_quota
from docstore_upload.lifecycle.schemas import FileRequest
from docstore_upload.metrics import initiated_total
from docstore_upload.packs.events import about
from docstore_upload.packs.ports import Packs
from docstore_upload.packs.rules import Pack, PackFile, common_folder
from docstore_upload.packs.views import pack_json, pack_put, slices_json
from docstore_upload.settings import UploadSettings

OWN_TREE = Problem(403, "pack_own_tree", "A pack goes to one's own tree; upload this file by itself.")
Planned = dict[int, tuple[PackFile, str]]
"""Files and their paths as metadata resolved them, by number: their place in the request."""


class PackInitiator:
    """The use case `initiate`, for one pack."""

    def __init__(
        self,
        packs: Packs,
        transactor: Transactor,
        services: ServiceClients,
        store: ObjectStore,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._packs = packs
        self._transactor = transactor
        self._services = services
        self._store = store
        self._settings = settings
        self._clock = clock

    async def initiate(self, principal: Principal, requests: Sequence[FileRequest | Problem]) -> Json:
        """The pack of those files that are accepted, with each one's place in it or why not; in order.

        422 `pack_too_large`. Its id is None if no file is accepted: then there is no pack.
        """
        refusals = {number: request for number, request in enumerate(requests) if isinstance(request, Problem)}
        wanted = {number: request for number, request in enumerate(requests) if isinstance(request, FileRequest)}
        if sum(request.size for request in wanted.values()) > MAX_PACK_BYTES:
            raise invalid(f"The files of a pack have at most {MAX_PACK_BYTES} bytes together.", "pack_too_large")
        pack_id = new_id()
        planned = await self._check(principal, wanted, refusals) if wanted else {}
        try:
            accepted = await self._reserve(principal.account_id, pack_id, planned, refusals) if planned else {}
            pack = self._plan(principal, pack_id, accepted) if accepted else None
            if pack is not None:
                await self._keep(pack)
        except Exception:
            await self._give_back(principal.account_id, pack_id)
            raise
        answers: list[Json] = [{}] * len(requests)
        for number, problem in refusals.items():
            answers[number] = {"problem": problem.body()}
        if pack is None:
            return {"id": None, "files": answers}
        for place in slices_json(pack):
            answers[place["number"]] = place
        initiated_total.labels("pack").inc(len(accepted))
        return pack_json(pack, answers, pack_put(self._store, pack, self._clock))

    async def _check(
        self, principal: Principal, wanted: Mapping[int, FileRequest], refusals: dict[int, Problem]
    ) -> Planned:
        items = [request.model_dump(include=CHECKED) for request in wanted.values()]
        results = await self._services.check(principal.account_id, items)
        planned: Planned = {}
        for (number, request), result in zip(wanted.items(), results, strict=True):
            refused = item_problem(result)
            if refused is None and result["owner_id"] != principal.account_id:
                refused = OWN_TREE
            if refused is None:
                planned[number] = _declared(request, result["path"]), result["path"]
            else:
                refusals[number] = refused
        return planned

    async def _reserve(self, account_id: str, pack_id: str, planned: Planned, refusals: dict[int, Problem]) -> Planned:
        """Those that fit."""
        settings = self._settings
        until = self._clock() + timedelta(seconds=settings.expiry_seconds + settings.reservation_grace_seconds)
        sizes = [(slice_upload_id(pack_id, number), file["size"]) for number, (file, _) in planned.items()]
        fitting, usage = await self._services.reserve(account_id, sizes, until)
        accepted: Planned = {}
        for number, (file, path) in planned.items():
            if slice_upload_id(pack_id, number) in fitting:
                accepted[number] = file, path
            else:
                refusals[number] = over_quota(file["size"], usage)
        return accepted

    async def _give_back(self, account_id: str, pack_id: str) -> None:
        """Of a pack that came to nothing; what can't be given back now ends by itself."""
        with suppress(Exception):
            if await self._packs.get(pack_id) is None:
                await self._services.release(account_id, [pack_id])

    def _plan(self, principal: Principal, pack_id: str, accepted: Planned) -> Pack:
        now, files = self._clock(), [file for file, _ in accepted.values()]
        expires_at = now + timedelta(seconds=self._settings.expiry_seconds)
        pack = Pack(
            id=pack_id,
            account_id=principal.account_id,
            device=principal.device,
            path=common_folder([path for _, path in accepted.values()]),
            numbers=tuple(accepted),
            sizes=tuple(file["size"] for file in files),
            declared=orjson.dumps(files),
            state="initiated",
            revision=1,
            created_at=now,
            expires_at=expires_at,
            next_check_at=min(now + timedelta(seconds=self._settings.check_first_seconds), expires_at),
        )
        return replace(pack, object_bytes=pack.sent_bytes())

    async def _keep(self, pack: Pack) -> None:
        async def work(transaction: Transaction) -> None:
            await self._packs.insert(pack, transaction.session)
            event = PackInitiated(**about(pack, pack.revision), expires_at=pack.expires_at)
            transaction.publish(event)

        await self._transactor.run(work)


def _declared(request: FileRequest, path: str) -> PackFile:
    assert request.sha256 is not None
    return {
        "path": request.path,
        "parent_id": request.parent_id,
        "file_id": request.file_id,
        "size": request.size,
        "sha256": request.sha256.lower(),
        "content_type": request.content_type or content_type_of(path),
        "base_version": request.base_version,
        "on_conflict": request.on_conflict,
        "tags": request.tags,
        "client_modified_at": rfc3339(request.client_modified_at) if request.client_modified_at else None,
    }
