"""What callers can do with their packs."""

from collections.abc import Sequence

import orjson

from docstore_contents.s3.store import ObjectStore
from docstore_platform.clock import Clock
from docstore_platform.problems import Problem, not_found
from docstore_platform.tokens import Principal
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.rules import ENDED
from docstore_upload.lifecycle.schemas import FileRequest
from docstore_upload.packs.complete import PackCompleter
from docstore_upload.packs.initiate import PackInitiator
from docstore_upload.packs.ports import Packs
from docstore_upload.packs.rules import Pack
from docstore_upload.packs.views import pack_json, pack_put, slices_json


class PackService:
    """Use cases of one caller. A foreign pack is an unknown one, and so is one whose answers are forgotten: 404."""

    def __init__(
        self, packs: Packs, initiator: PackInitiator, completer: PackCompleter, store: ObjectStore, clock: Clock
    ) -> None:
        self._packs = packs
        self._initiator = initiator
        self._completer = completer
        self._store = store
        self._clock = clock

    async def initiate(self, principal: Principal, requests: Sequence[FileRequest | Problem]) -> Json:
        return await self._initiator.initiate(principal, requests)

    async def complete(self, principal: Principal, pack_id: str) -> bytes:
        return await self._completer.complete(await self._mine(principal, pack_id), "client")

    async def get(self, principal: Principal, pack_id: str) -> Json:
        """The pack and, while it is open, the instructions to send it."""
        pack = await self._mine(principal, pack_id)
        if pack.answers is not None:
            return pack_json(pack, orjson.Fragment(pack.answers))
        return pack_json(pack, slices_json(pack), pack_put(self._store, pack, self._clock) if pack.is_open else None)

    async def abort(self, principal: Principal, pack_id: str) -> None:
        """Give up a pack: what was sent is deleted, its reservations given back. Again: nothing changes."""
        pack = await self._completer.end(await self._mine(principal, pack_id), "aborted")
        if pack.state not in ENDED:
            raise Problem(409, "upload_completed", "This pack is completed; delete its files instead.")

    async def _mine(self, principal: Principal, pack_id: str) -> Pack:
        pack = await self._packs.get(pack_id, principal.account_id)
        if pack is None or pack.declared is None:
            raise not_found("pack")
        return pack
