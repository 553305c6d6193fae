"""Completing uploads: verify what is stored, claim it, commit it in metadata, say so. Any number at once.

Where a crash leaves an upload, and what takes it on:
- before the claim: still open; the client's next `complete`, or the workflow, verifies again.
- after the claim, before or after metadata's commit: committing; either asks metadata again, which answers the same
  for the same upload, and goes on.
- after the last transaction: completed, with its event; a lost response is given again from the session.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from docstore_contents.s3.store import ObjectStoreError, Part
from docstore_events.transaction import Transaction, Transactor
from docstore_events.uploads import UploadCompleted
from docstore_platform.clock import Clock, rfc3339
from docstore_platform.problems import Problem, unavailable
from docstore_upload.blocks.ports import BlocksGone
from docstore_upload.blocks.rules import Piece, References
from docstore_upload.blocks.service import BlockService
from docstore_upload.lifecycle.clients import Json, ServiceClients
from docstore_upload.lifecycle.commits import commit_each, commit_refusal, refused
from docstore_upload.lifecycle.rules import COMMITTING, INCOMPLETE, OPEN, Actor, Refusal
from docstore_upload.metrics import completed_bytes_total, ended_total
from docstore_upload.sessions.ports import Claim, Completion, Uploads
from docstore_upload.sessions.rules import Upload, Verified
from docstore_upload.sessions.termination import Termination
from docstore_upload.sessions.verify import Verifier
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClientManifest:
    """What a client declares to have sent: the parts of a multipart upload, or what its file in blocks is made of."""

    parts: Sequence[Part] | None = None
    blocks: Sequence[Piece] | None = None


EMPTY_MANIFEST = ClientManifest()


@dataclass
class Work:
    """What becomes of one lot of uploads, by id."""

    by: Actor
    outcomes: dict[str, Json | Problem] = field(default_factory=dict)


class Completer:
    """The use case `complete`, for clients and for the workflow."""

    def __init__(
        self,
        uploads: Uploads,
        transactor: Transactor,
        services: ServiceClients,
        verifier: Verifier,
        blocks: BlockService,
        termination: Termination,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self._uploads = uploads
        self._transactor = transactor
        self._services = services
        self._verifier = verifier
        self._blocks = blocks
        self._termination = termination
        self._settings = settings
        self._clock = clock

    async def complete(
        self, uploads: Sequence[Upload], by: Actor, manifests: Mapping[str, ClientManifest] | None = None
    ) -> dict[str, Json | Problem]:
        """By id, the file each upload has become, or why it has not."""
        work = Work(by)
        claims = await self._verify([upload for upload in uploads if upload.is_open], manifests or {}, work)
        current = await self._claim(uploads, claims, work)
        committing = []
        for upload in current:
            refusal = upload.final_refusal()
            if upload.state == "committing":
                committing.append(upload)
            elif upload.file is not None:
                work.outcomes[upload.id] = dict(upload.file)
            elif refusal is not None:
                work.outcomes.setdefault(upload.id, refused(refusal))
        if committing:
            await self._commit(committing, work)
        return work.outcomes

    async def _verify(
        self, uploads: Sequence[Upload], manifests: Mapping[str, ClientManifest], work: Work
    ) -> dict[str, Claim]:
        verdicts = await asyncio.gather(
            *(self._verify_one(upload, manifests.get(upload.id, EMPTY_MANIFEST)) for upload in uploads),
            return_exceptions=True,
        )
        claims: dict[str, Claim] = {}
        for upload, verdict in zip(uploads, verdicts, strict=True):
            match verdict:
                case Verified():
                    claims[upload.id] = Claim(upload.id, verdict, work.by, as_declared=upload.declares(verdict))
                case References():
                    claims[upload.id] = Claim(upload.id, _in_blocks(upload, verdict), work.by, verdict)
                case Refusal():
                    work.outcomes[upload.id] = refused(verdict)
                    if verdict.code != INCOMPLETE.code:
                        await self._termination.end([upload.id], "aborted", start=OPEN, refusal=verdict, by=work.by)
                case Problem():
                    work.outcomes[upload.id] = verdict
                case ObjectStoreError():
                    log.warning("upload_object_unavailable", upload_id=upload.id, error=str(verdict))
                    work.outcomes[upload.id] = unavailable("The object store")
                case Exception():
                    log.error("upload_verification_failed", upload_id=upload.id, exc_info=verdict)
                    work.outcomes[upload.id] = unavailable("The upload")
                case BaseException():
                    raise verdict
        return claims

    async def _verify_one(self, upload: Upload, manifest: ClientManifest) -> Verified | References | Refusal:
        if upload.method == "blocks":
            return await self._blocks.assemble(upload, manifest.blocks)
        return await self._verifier.verify(upload, manifest.parts)

    async def _claim(self, uploads: Sequence[Upload], claims: Mapping[str, Claim], work: Work) -> list[Upload]:
        """The uploads as they stand once those in `claims` are claimed, by us or by somebody before us."""
        retry_at = self._clock() + timedelta(seconds=self._settings.commit_retry_seconds)
        whole = [claim for claim in claims.values() if claim.references is None]
        all_claimed = not whole or await self._claim_whole(whole, retry_at)
        for claim in claims.values():
            if claim.references is not None:
                try:
                    all_claimed &= await self._claim_in_blocks(claim, claim.references, retry_at)
                except Problem as problem:
                    all_claimed, work.outcomes[claim.id] = False, problem
        # One that can't be verified may have been completed meanwhile: what was sent is deleted after that.
        if not all_claimed or any(upload.is_open and upload.id not in claims for upload in uploads):
            latest = await self._uploads.by_ids([upload.id for upload in uploads])
            return [latest.get(upload.id, upload) for upload in uploads]
        return [_claimed(upload, claims.get(upload.id)) for upload in uploads]

    async def _claim_whole(self, claims: Sequence[Claim], retry_at: datetime) -> bool:
        async def work(transaction: Transaction) -> bool:
            return await self._uploads.claim(claims, retry_at, transaction.session)

        return await self._transactor.run(work)

    async def _claim_in_blocks(self, claim: Claim, references: References, retry_at: datetime) -> bool:
        """Claim an upload and the blocks of its list in one transaction. Whether it was open.

        Problem 409 `blocks_missing` if blocks are gone since they were looked for: the upload stays open.
        """

        async def work(transaction: Transaction) -> bool:
            is_claimed = await self._uploads.claim([claim], retry_at, transaction.session)
            if is_claimed:
                await self._blocks.refer(references, transaction.session)
            return is_claimed

        try:
            return await self._transactor.run(work)
        except BlocksGone:
            raise await self._blocks.blocks_gone(references) from None

    async def _commit(self, uploads: Sequence[Upload], work: Work) -> None:
        results = await commit_each(self._services, [self._commit_item(upload) for upload in uploads])
        committed: list[tuple[Upload, Json]] = []
        for upload, result in zip(uploads, results, strict=True):
            if isinstance(result, Problem):
                work.outcomes[upload.id] = result
                continue
            refusing = commit_refusal(result)
            if refusing is None:
                committed.append((upload, result))
                continue
            work.outcomes[upload.id] = refusing
            if refusing.status < 500:
                refusal = Refusal(refusing.status, refusing.code, refusing.detail)
                await self._termination.end([upload.id], "aborted", start=COMMITTING, refusal=refusal, by=work.by)
        if committed:
            await self._finish(committed)
        work.outcomes.update((upload.id, result["file"]) for upload, result in committed)

    def _commit_item(self, upload: Upload) -> Json:
        return {
            "upload_id": upload.id,
            "account_id": upload.account_id,
            "device": upload.device,
            "path": upload.wanted_path,
            "parent_id": upload.parent_id,
            "file_id": upload.file_id,
            "size": upload.size,
            "content_type": upload.content_type,
            "sha256": upload.sha256,
            "object_key": upload.object_key,
            "base_version": upload.base_version,
            "on_conflict": upload.on_conflict,
            "tags": list(upload.tags),
            "client_modified_at": rfc3339(upload.client_modified_at) if upload.client_modified_at else None,
            "uploaded_at": rfc3339(self._clock()),
        }

    async def _finish(self, committed: Sequence[tuple[Upload, Json]]) -> None:
        """Of several that have committed the same upload, one finds it committing and publishes the event."""
        now = self._clock()
        check_at = now + timedelta(seconds=self._settings.settle_first_seconds)
        ids = [upload.id for upload, _ in committed]

        async def work(transaction: Transaction) -> list[Upload]:
            current = await self._uploads.by_ids(ids, transaction.session)
            finished: list[Upload] = []
            completions: list[Completion] = []
            for upload, result in committed:
                stored = current.get(upload.id)
                if stored is None or stored.state != "committing":
                    continue
                event_id = transaction.publish(_completed(stored, result))
                completions.append(Completion(upload.id, result["file"], result["event_id"], event_id))
                finished.append(stored)
            if completions:
                await self._uploads.complete(completions, now, check_at, transaction.session)
            return finished

        finished = await self._transactor.run(work)
        for upload in finished:
            ended_total.labels("completed", upload.method, upload.completed_by or "client").inc()
            completed_bytes_total.labels(upload.method).inc(upload.size)
        await self._termination.clean_incoming(finished)


def _in_blocks(upload: Upload, references: References) -> Verified:
    """The content that a version names is the block list."""
    return Verified(upload.size, upload.sha256 or "", references.list_key.removeprefix(upload.prefix))


def _claimed(upload: Upload, claim: Claim | None) -> Upload:
    if claim is None:
        return upload
    verified = claim.verified
    return replace(
        upload,
        state="committing",
        size=verified.size,
        sha256=verified.sha256,
        object_name=verified.object_name,
        completed_by=claim.completed_by,
    )


def _completed(upload: Upload, result: Json) -> UploadCompleted:
    file = result["file"]
    return UploadCompleted(
        revision=upload.revision + 1,
        upload_id=upload.id,
        account_id=upload.owner_id,
        path=file["path"],
        size=upload.size,
        method=upload.method,
        file_id=file["id"],
        version=result["version"],
        sha256=upload.sha256 or file["sha256"],
        conflicted=result["conflicted"],
        completed_by=upload.completed_by or "client",
        uploaded_by=upload.account_id,
        notify_uploader=upload.notify,
    )
