"""What callers can do with their uploads; the bulk of it is in `initiate` and `complete`."""

from collections.abc import Sequence

from docstore_contents.s3.store import ObjectStoreError, Part
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import Problem, invalid, not_found, unavailable
from docstore_platform.tokens import Principal
from docstore_upload.blocks.rules import Piece
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.commits import refused
from docstore_upload.lifecycle.rules import ENDED, OPEN, State
from docstore_upload.sessions.complete import ClientManifest, Completer
from docstore_upload.sessions.initiate import Initiator
from docstore_upload.sessions.instructions import RedirectTokens, UploadInstructions
from docstore_upload.sessions.ports import Uploads
from docstore_upload.sessions.rules import Upload, part_count
from docstore_upload.sessions.schemas import BatchCompleteItem, InitiateRequest
from docstore_upload.sessions.termination import Termination
from docstore_upload.sessions.views import upload_json


class UploadService:
    """Use cases of one caller. A foreign upload is an unknown one: 404."""

    def __init__(
        self,
        uploads: Uploads,
        initiator: Initiator,
        completer: Completer,
        termination: Termination,
        instructions: UploadInstructions,
        tokens: RedirectTokens,
    ) -> None:
        self._uploads = uploads
        self._initiator = initiator
        self._completer = completer
        self._termination = termination
        self._instructions = instructions
        self._tokens = tokens

    async def initiate(
        self, principal: Principal, requests: Sequence[InitiateRequest | Problem]
    ) -> list[Json | Problem]:
        return await self._initiator.initiate(principal, requests)

    async def complete(
        self, principal: Principal, items: Sequence[BatchCompleteItem | Problem]
    ) -> list[Json | Problem]:
        """The file that each has become, or why not; in order. An upload named twice is answered twice."""
        ids = [item.id for item in items if isinstance(item, BatchCompleteItem)]
        mine = await self._uploads.of_account(principal.account_id, ids)
        sent = {item.id: _manifest(item) for item in items if isinstance(item, BatchCompleteItem)}
        outcomes = await self._completer.complete(list(mine.values()), "client", sent)
        return [item if isinstance(item, Problem) else outcomes.get(item.id, not_found("upload")) for item in items]

    async def get(self, principal: Principal, upload_id: str) -> Json:
        """The upload and, while it is open, the instructions to continue it."""
        upload = await self._mine(principal, upload_id)
        shown = upload_json(upload)
        if not upload.is_open:
            return shown
        try:
            return shown | await self._instructions.of(upload)
        except ObjectStoreError:
            raise unavailable("The object store") from None

    async def page(self, principal: Principal, cursor: str | None, limit: int, state: State | None) -> Json:
        """Newest first, without the instructions."""
        before = decode_cursor(cursor, str)[0] if cursor else None
        uploads = await self._uploads.page(principal.account_id, before, limit, state)
        more = encode_cursor(uploads[-1].id) if len(uploads) == limit else None
        return {"items": [upload_json(upload) for upload in uploads], "next_cursor": more}

    async def parts(self, principal: Principal, upload_id: str, numbers: Sequence[int]) -> Json:
        """URLs for these parts of a multipart upload."""
        upload = await self._mine(principal, upload_id)
        if upload.method != "multipart" or upload.part_size is None:
            raise invalid("Only a multipart upload has parts.", "unsupported_method")
        _require_open(upload)
        count = part_count(upload.size, upload.part_size)
        if any(number > count for number in numbers):
            raise invalid(f"This upload has parts 1 to {count}.", "invalid_parts")
        if upload.state == "initiated":
            await self._uploads.mark_uploading(upload.id)
        return {"part_size": upload.part_size, "part_count": count, "parts": self._instructions.parts(upload, numbers)}

    async def abort(self, principal: Principal, upload_id: str) -> None:
        """Give up an upload: what was sent is deleted, its reservation given back. Giving up again changes nothing."""
        upload = await self._mine(principal, upload_id)
        if not await self._termination.end([upload.id], "aborted", start=OPEN):
            upload = await self._mine(principal, upload_id)
            if upload.state not in ENDED:
                raise Problem(409, "upload_completed", "This upload is completed; delete its file instead.")

    async def complete_for_browser(self, upload_id: str, token: str) -> tuple[Upload, Json]:
        """The upload as it was and the file that it has become, for whoever shows the token of that upload."""
        if not self._tokens.is_valid(upload_id, token):
            raise not_found("upload")
        found = await self._uploads.by_ids([upload_id])
        if upload_id not in found:
            raise not_found("upload")
        upload = found[upload_id]
        outcome = (await self._completer.complete([upload], "client"))[upload_id]
        if isinstance(outcome, Problem):
            raise outcome
        return upload, outcome

    async def _mine(self, principal: Principal, upload_id: str) -> Upload:
        found = (await self._uploads.of_account(principal.account_id, [upload_id])).get(upload_id)
        if found is None:
            raise not_found("upload")
        return found


def _require_open(upload: Upload) -> None:
    refusal = upload.final_refusal()
    if refusal is not None:
        raise refused(refusal)
    if not upload.is_open:
        raise Problem(409, "upload_completed", "All bytes of this upload have been sent.")


def _manifest(item: BatchCompleteItem) -> ClientManifest:
    return ClientManifest(
        parts=[Part(part.number, part.etag) for part in item.parts] if item.parts else None,
        blocks=None if item.blocks is None else [Piece(block.hash, block.size) for block in item.blocks],
    )
