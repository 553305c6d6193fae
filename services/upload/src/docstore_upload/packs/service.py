"""Use cases of packs: begin one, show it, complete it, abort it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

import orjson

from docstore_contents.packs import MAX_PACK_BYTES, index_bytes
from docstore_contents.s3.store import ObjectStore
from docstore_contracts.metadata import WriteAllowed
from docstore_events.catalogue.uploads import slice_upload_id
from docstore_platform.clock import Clock, rfc3339
from docstore_platform.errors import Conflict, DomainError, Forbidden, invalid, not_found
from docstore_platform.ids import new_id
from docstore_platform.security.tokens import Principal
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.content_types import content_type_of
from docstore_upload.lifecycle.lifecycle import Lifecycle
from docstore_upload.lifecycle.use_cases.initiate import Errors, Reservation, Started
from docstore_upload.packs.ports import Packs
from docstore_upload.packs.rules import Pack, PackFile, common_folder
from docstore_upload.packs.schemas import PackFileRequest
from docstore_upload.packs.views import pack_json, pack_put, refused_json, slices_json
from docstore_upload.settings import UploadSettings


@dataclass(frozen=True, slots=True)
class PlannedSlice:
    """A file that goes into a pack if its reservation succeeds."""

    id: str
    owner_id: str
    expires_at: datetime
    path: str
    """Path as metadata resolved it."""
    file: PackFile


@dataclass(slots=True)
class PackService:
    """Use cases of one caller. 404 for another account's pack and for one whose results are forgotten."""

    packs: Packs
    lifecycle: Lifecycle[Pack]
    store: ObjectStore
    settings: UploadSettings
    clock: Clock

    async def initiate(
        self, principal: Principal, requests: Sequence[PackFileRequest | DomainError], *, notify: bool = True
    ) -> Json:
        """Begin a pack of the accepted files; return each file's position or refusal, in order.

        422 `pack_too_large`. If no file is accepted there is no pack: its id is None. Files with their contents are
        stored and committed: each has its result in place of a position.
        """
        has_contents = any(isinstance(each, PackFileRequest) and each.content is not None for each in requests)
        errors: Errors = {}
        wanted: dict[int, PackFileRequest] = {}
        for number, request in enumerate(requests):
            if isinstance(request, DomainError):
                errors[number] = request
            elif has_contents and request.content is None:
                errors[number] = invalid(
                    "Either all files of a pack come with their content, or none.", "invalid_content"
                )
            else:
                wanted[number] = request
        if sum(request.size for request in wanted.values()) > MAX_PACK_BYTES:
            raise invalid(f"The files of a pack have at most {MAX_PACK_BYTES} bytes together.", "pack_too_large")
        pack_id, expires_at = new_id(), self.clock() + timedelta(seconds=self.settings.lifetime_seconds)
        reservations = {
            number: Reservation(slice_upload_id(pack_id, number), request.size, expires_at)
            for number, request in wanted.items()
        }
        plan, begin = partial(self._plan, principal), partial(self._begin, principal, notify)
        started = await self.lifecycle.initiation.initiate(principal, wanted, reservations, plan, begin, errors)
        pack = started.get(0, {"id": None, "files": []})
        if pack["id"] is not None and has_contents:
            pack = await self._complete_with(principal, pack, wanted)
        results = {place["number"]: place for place in pack["files"]}
        results |= {number: refused_json(error) for number, error in errors.items()}
        return pack | {"files": [results[number] for number in range(len(requests))]}

    async def _complete_with(self, principal: Principal, begun: Json, files: Mapping[int, PackFileRequest]) -> Json:
        """Store and complete a pack whose contents are here; return it as it is then."""
        pack = (await self.packs.recent_or_stored(principal.account_id, [begun["id"]]))[begun["id"]]
        slices = pack.slices()
        content = b"".join([*(files[each.number].content or b"" for each in slices), index_bytes(slices)])
        outcome = (await self.lifecycle.completer.put_and_complete([(pack, content)]))[pack.id]
        if isinstance(outcome, DomainError):
            raise outcome
        if outcome is None:
            return begun
        shown = {name: value for name, value in begun.items() if name != "put"}
        return shown | {"state": "completed", "files": orjson.loads(outcome)}

    def _plan(
        self, principal: Principal, request: PackFileRequest, reservation: Reservation, checked: WriteAllowed
    ) -> PlannedSlice | DomainError:
        if checked["owner_id"] != principal.account_id:
            detail = "A pack can only go to your own tree; upload this file by itself."
            return Forbidden(detail, code="pack_own_tree")
        path = checked["path"]
        file = _declared(request, path)
        return PlannedSlice(reservation.id, principal.account_id, reservation.usable_until, path, file)

    async def _begin(
        self, principal: Principal, notify: bool, reserved: Mapping[int, PlannedSlice]
    ) -> dict[int, Started[Pack]]:
        now, slices = self.clock(), list(reserved.values())
        expires_at = max(each.expires_at for each in slices)
        pack = Pack(
            id=slices[0].id.partition("-")[0],
            account_id=principal.account_id,
            folder_id=principal.folder_id,
            device=principal.device,
            path=common_folder([each.path for each in slices]),
            numbers=tuple(reserved),
            sizes=tuple(each.file["size"] for each in slices),
            declared=orjson.dumps([each.file for each in slices]),
            notify=notify,
            state="initiated",
            revision=0,
            created_at=now,
            expires_at=expires_at,
            next_check_at=min(now + timedelta(seconds=self.settings.check_first_delay_seconds), expires_at),
        )
        pack = replace(pack, object_bytes=pack.sent_bytes())
        return {0: Started(pack, pack_json(pack, slices_json(pack), pack_put(self.store, pack, self.clock)))}

    async def complete(self, principal: Principal, pack_id: str) -> bytes:
        """Return the result of each file, as JSON, in order."""
        found = await self.packs.recent_or_stored(principal.account_id, [pack_id])
        pack = _shown(principal, found.get(pack_id))
        outcome = (await self.lifecycle.completer.complete([pack], "client"))[pack.id]
        if isinstance(outcome, DomainError):
            raise outcome
        return bytes(outcome)

    async def get(self, principal: Principal, pack_id: str) -> Json:
        """Return the pack and, while it is open, its instructions."""
        pack = await self.lifecycle.completer.as_answered(await self._mine(principal, pack_id))
        if pack.result is not None:
            return pack_json(pack, orjson.Fragment(pack.result))
        return pack_json(pack, slices_json(pack), pack_put(self.store, pack, self.clock) if pack.is_open else None)

    async def abort(self, principal: Principal, pack_id: str) -> None:
        """Cancel a pack: delete what was sent, release its reservations. Idempotent."""
        if not await self.lifecycle.termination.give_up(await self._mine(principal, pack_id)):
            raise Conflict("This pack is completed. Delete its files instead.", code="upload_completed")

    async def _mine(self, principal: Principal, pack_id: str) -> Pack:
        return _shown(principal, (await self.packs.of_account(principal.account_id, [pack_id])).get(pack_id))


def _shown(principal: Principal, pack: Pack | None) -> Pack:
    """The pack, if the caller may see it."""
    if pack is None or pack.declared is None or not pack.is_of(principal):
        raise not_found("pack")
    return pack


def _declared(request: PackFileRequest, path: str) -> PackFile:
    content = request.content
    digest = request.sha256 if content is None else sha256(content).hexdigest()
    assert digest is not None
    return {
        "path": request.path,
        "parent_id": request.parent_id,
        "create_folders": request.create_folders,
        "file_id": request.file_id,
        "size": request.size,
        "sha256": digest.lower(),
        "content_type": request.content_type or content_type_of(path),
        "base_version": request.base_version,
        "on_conflict": request.on_conflict,
        "tags": request.tags,
        "metadata": request.metadata,
        "client_modified_at": rfc3339(request.client_modified_at) if request.client_modified_at else None,
    }
