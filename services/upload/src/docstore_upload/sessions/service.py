"""Use cases of upload sessions: initiate one or many, show, list, sign parts, complete, abort."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import get_args

from docstore_contents.s3.store import ObjectStoreError, Part
from docstore_contracts.metadata import WriteAllowed
from docstore_platform.clock import Clock
from docstore_platform.errors import Conflict, DomainError, Forbidden, TooMany, invalid, not_found, unavailable
from docstore_platform.http.paging import decode_cursor, encode_cursor
from docstore_platform.ids import new_id
from docstore_platform.security.tokens import Principal
from docstore_upload.blocks.rules import Piece
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.content_types import content_type_of
from docstore_upload.lifecycle.lifecycle import Lifecycle
from docstore_upload.lifecycle.rules import Mismatch, State
from docstore_upload.lifecycle.use_cases.initiate import Errors, Reservation, Started
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.kind import ClientManifest
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import (
    Method,
    Upload,
    most_signed_bytes,
    part_count,
    part_size_for,
    parts_wanted,
    usable_until,
)
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest, PartsRequest
from docstore_upload.sessions.validation import refuse_initiate
from docstore_upload.sessions.views import upload_json
from docstore_upload.settings import UploadSettings


@dataclass(slots=True)
class UploadService:
    """Use cases of one caller. 404 for another account's upload."""

    uploads: Uploads
    lifecycle: Lifecycle[Upload]
    instructions: UploadInstructions
    tokens: RedirectTokens
    settings: UploadSettings
    clock: Clock

    async def initiate(
        self,
        principal: Principal,
        requests: Sequence[InitiateRequest | DomainError],
        lock_tokens: tuple[str, ...] = (),
    ) -> list[Json | DomainError]:
        """Initiate uploads; return instructions or an error for each request, in order.

        One that comes with its content is completed: the response has its file.
        `lock_tokens`: locks that the caller names as its own.
        """
        errors: Errors = {}
        wanted: dict[int, InitiateRequest] = {}
        for number, request in enumerate(requests):
            limit = self.settings.open_form_bytes
            refused = request if isinstance(request, DomainError) else refuse_initiate(request, limit)
            if isinstance(request, InitiateRequest) and request.method == "blocks" and principal.folder_id:
                refused = blocks_not_limited()
            if refused is not None:
                errors[number] = refused
            elif isinstance(request, InitiateRequest):
                wanted[number] = request
        if any(request.method in ("form", "credentials") for request in wanted.values()):
            await self._refuse_given_up(principal)
        reservations = {number: self._reservation(request) for number, request in wanted.items()}
        plan = partial(self._plan, principal, lock_tokens)
        initiation = self.lifecycle.initiation
        results = await initiation.initiate(principal, wanted, reservations, plan, self._begin, errors, lock_tokens)
        contents = {number: request.content for number, request in wanted.items() if number in results}
        given = {number: content for number, content in contents.items() if content is not None}
        if given:
            await self._complete_with(principal, given, results, errors)
        return [results.get(number) or errors[number] for number in range(len(requests))]

    async def _complete_with(
        self, principal: Principal, contents: Mapping[int, bytes], results: dict[int, Json], errors: Errors
    ) -> None:
        """Store and complete uploads whose contents are here; what becomes of them replaces their results."""
        ids = {number: results[number]["id"] for number in contents}
        begun = await self.uploads.recent_or_stored(principal.account_id, list(ids.values()))
        pairs = [(begun[ids[number]], content) for number, content in contents.items()]
        outcomes = await self.lifecycle.completer.put_and_complete(pairs)
        for number, upload_id in ids.items():
            outcome = outcomes[upload_id]
            if isinstance(outcome, DomainError):
                del results[number]
                errors[number] = outcome
            elif outcome is not None:
                shown = {name: value for name, value in results[number].items() if name != "put"}
                results[number] = shown | {"state": "completed", "file": outcome}

    async def _refuse_given_up(self, principal: Principal) -> None:
        """TooMany `too_much_given_up`: cancelled forms and credentials that still work take bytes that no quota counts.

        What they send is deleted, but not at once. A URL for a PUT or a part ends with its upload.
        """
        given_up = await self.uploads.given_up_bytes(principal.account_id, self.clock())
        if given_up > self.settings.unclaimed_bytes:
            detail = "Too many forms and credentials of cancelled uploads still work."
            raise TooMany(f"{detail} Use `put` or `multipart`.", code="too_much_given_up", retry_after=3600)

    def _reservation(self, request: InitiateRequest) -> Reservation:
        expires_at = self.clock() + timedelta(seconds=_life(request, self.settings))
        return Reservation(new_id(), request.most, usable_until(_method(request.method), expires_at))

    def _plan(
        self,
        principal: Principal,
        lock_tokens: tuple[str, ...],
        request: InitiateRequest,
        reservation: Reservation,
        checked: WriteAllowed,
    ) -> Upload:
        settings, method, now = self.settings, _method(request.method), self.clock()
        expires_at = now + timedelta(seconds=_life(request, settings))
        return Upload(
            id=reservation.id,
            account_id=principal.account_id,
            folder_id=principal.folder_id,
            owner_id=checked["owner_id"],
            device=principal.device,
            link_id=principal.link_id,
            path=checked["path"],
            wanted_path=request.path,
            parent_id=request.parent_id,
            create_folders=request.create_folders,
            file_id=request.file_id,
            size=request.most,
            max_size=request.max_size,
            content_type=request.content_type or content_type_of(checked["path"]),
            sha256=_declared_sha256(request),
            base_version=request.base_version,
            on_conflict=request.on_conflict,
            lock_tokens=lock_tokens,
            tags=tuple(request.tags),
            metadata=None if request.metadata is None else tuple(request.metadata.items()),
            metadata_fields=request.metadata_fields,
            client_modified_at=request.client_modified_at,
            notify=request.notify,
            method=method,
            part_size=_part_size(request, settings),
            state="initiated",
            revision=0,
            created_at=now,
            expires_at=expires_at,
            next_check_at=min(now + timedelta(seconds=settings.check_first_delay_seconds), expires_at),
        )

    async def _begin(self, reserved: Mapping[int, Upload]) -> dict[int, Started[Upload] | DomainError]:
        """Begin uploads. A crash leaves a multipart upload without a session or parts: no URL was issued for it."""
        beginnings = [self.instructions.begin(upload) for upload in reserved.values()]
        results = await asyncio.gather(*beginnings, return_exceptions=True)
        started: dict[int, Started[Upload] | DomainError] = {}
        for number, result in zip(reserved, results, strict=True):
            if isinstance(result, ObjectStoreError):
                started[number] = unavailable("The object store")
            elif isinstance(result, BaseException):
                raise result
            else:
                upload, instructions = result
                undo = partial(self.instructions.drop, upload)
                started[number] = Started(upload, upload_json(upload) | instructions, undo)
        return started

    async def complete(
        self, principal: Principal, items: Sequence[BatchCompleteItem | DomainError]
    ) -> list[Json | DomainError]:
        """Return the file or an error for each, in order. An upload listed twice has two results."""
        ids = [item.id for item in items if isinstance(item, BatchCompleteItem)]
        found = await self.uploads.recent_or_stored(principal.account_id, ids)
        mine = {upload.id: upload for upload in found.values() if upload.is_of(principal)}
        sent = {item.id: _manifest(item) for item in items if isinstance(item, BatchCompleteItem)}
        outcomes = await self.lifecycle.completer.complete(list(mine.values()), "client", sent)
        return [item if isinstance(item, DomainError) else outcomes.get(item.id, not_found("upload")) for item in items]

    async def get(self, principal: Principal, upload_id: str) -> Json:
        """Return the upload and, while it is open, its instructions."""
        upload = await self.lifecycle.completer.as_answered(await self._mine(principal, upload_id))
        shown = upload_json(upload)
        if not upload.is_open:
            return shown
        try:
            return shown | await self.instructions.of(upload)
        except ObjectStoreError:
            raise unavailable("The object store") from None

    async def page(self, principal: Principal, cursor: str | None, limit: int, state: State | None) -> Json:
        """Return the caller's uploads, newest first, without instructions."""
        before = decode_cursor(cursor, str)[0] if cursor else None
        uploads = await self.uploads.page(principal.account_id, before, limit, state)
        more = encode_cursor(uploads[-1].id) if len(uploads) == limit else None
        return {
            "items": [upload_json(upload) for upload in uploads if upload.is_of(principal)],
            "next_cursor": more,
        }

    async def parts(self, principal: Principal, upload_id: str, wanted: PartsRequest) -> Json:
        """Return URLs for these parts of a multipart upload, and record what is declared of the whole content; Conflict
        `sha256_declared` if another checksum was declared before. Mismatch, and the upload is over, if parts of given
        sizes were signed for far more bytes than it has."""
        upload = await self._mine(principal, upload_id)
        if upload.method != "multipart" or upload.part_size is None:
            raise invalid("Only a multipart upload has parts.", "unsupported_method")
        _require_open(upload)
        count = part_count(upload.size, upload.part_size)
        parts = parts_wanted(upload.size, upload.part_size, wanted.numbers, wanted.sizes)
        if not await self.uploads.declare(upload.id, wanted.sha256, wanted.client_modified_at):
            raise Conflict("Another SHA-256 was declared for this upload.", code="sha256_declared")
        if wanted.sizes is not None:
            await self._count_signed(upload, sum(parts.values()))
        if upload.state == "initiated":
            await self.uploads.mark_uploading(upload.id)
        return {"part_size": upload.part_size, "part_count": count, "parts": self.instructions.parts(upload, parts)}

    async def _count_signed(self, upload: Upload, size: int) -> None:
        """End the upload, with a Mismatch, if far more is signed than it has: its next check may be minutes away."""
        if not await self.uploads.count_signed(upload.id, size, most_signed_bytes(upload.size)):
            refusal = Mismatch("Parts of far more bytes than were declared were requested.")
            await self.lifecycle.termination.end([upload.id], "aborted", refusal=refusal)
            raise refusal

    async def abort(self, principal: Principal, upload_id: str) -> None:
        """Cancel an upload: delete what was sent, release its reservation. Idempotent."""
        upload = await self._mine(principal, upload_id)
        if not await self.lifecycle.termination.give_up(upload):
            raise Conflict("This upload is completed. Delete its file instead.", code="upload_completed")

    async def complete_for_browser(self, upload_id: str, token: str) -> tuple[Upload, Json]:
        """Complete an upload by its redirect token; return the upload as it was and the file."""
        if not self.tokens.is_valid(upload_id, token):
            raise not_found("upload")
        found = await self.uploads.by_ids([upload_id])
        if upload_id not in found:
            raise not_found("upload")
        upload = found[upload_id]
        outcome = (await self.lifecycle.completer.complete([upload], "client"))[upload_id]
        if isinstance(outcome, DomainError):
            raise outcome
        return upload, outcome

    def id_with_token(self, upload_id: str) -> str:
        """An upload's id with the right to complete it, for `complete_for_browser`."""
        return f"{upload_id}.{self.tokens.token(upload_id)}"

    async def _mine(self, principal: Principal, upload_id: str) -> Upload:
        found = (await self.uploads.of_account(principal.account_id, [upload_id])).get(upload_id)
        if found is None or not found.is_of(principal):
            raise not_found("upload")
        return found


def blocks_not_limited() -> Forbidden:
    """Blocks are stored once for all files of an account: who may name them learns what it has elsewhere."""
    detail = "This API token is limited to a folder and can't upload in blocks. Use `put` or `multipart`."
    return Forbidden(detail, code="folder_limited")


def _require_open(upload: Upload) -> None:
    refusal = upload.final_refusal
    if refusal is not None:
        raise refusal
    if not upload.is_open:
        raise Conflict("All bytes of this upload have been sent.", code="upload_completed")


def _manifest(item: BatchCompleteItem) -> ClientManifest:
    return ClientManifest(
        parts=[Part(part.number, part.etag) for part in item.parts] if item.parts else None,
        blocks=None if item.blocks is None else [Piece(block.hash, block.size) for block in item.blocks],
    )


def _declared_sha256(request: InitiateRequest) -> str | None:
    if request.content is not None:
        return sha256(request.content).hexdigest()
    return request.sha256.lower() if request.sha256 else None


def _part_size(request: InitiateRequest, settings: UploadSettings) -> int | None:
    if request.method != "multipart":
        return None
    return request.part_size or part_size_for(request.most, settings.part_bytes)


def _life(request: InitiateRequest, settings: UploadSettings) -> float:
    """Return how many seconds its bytes may be sent."""
    if request.method == "multipart":
        return settings.multipart_lifetime_seconds
    return settings.lifetime_seconds if request.max_size is None else settings.open_form_lifetime_seconds


def _method(name: str) -> Method:
    methods: dict[str, Method] = {known: known for known in get_args(Method)}
    return methods[name]
