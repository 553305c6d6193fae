"""Use cases of blocks: find those to send, assemble a file from them, release their references."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from docstore_contents.block_list import Block, block_list_key, parse, serialise
from docstore_contents.deletion_hold import IsHeld
from docstore_contents.s3.store import ObjectNotFound, ObjectStore
from docstore_events.transaction import Transaction, Transactor
from docstore_platform.clock import Clock
from docstore_platform.errors import Conflict, DomainError, TooMany, invalid
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import Session
from docstore_upload.blocks.ports import Blocks, BlocksGone
from docstore_upload.blocks.proof import BlockProver
from docstore_upload.blocks.rules import MAX_FRAME_BYTES, FileInBlocks, KnownBlock, Piece, References, piece_sizes
from docstore_upload.blocks.unclaimed import UnclaimedBlocks
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.rules import Incomplete
from docstore_upload.metrics import blocks_asked_total
from docstore_upload.settings import UploadSettings

log = structlog.get_logger(__name__)
FRAME_TYPE = "application/zstd"
MAX_NAMED = 1000
"""Hashes in one error response: as many as one request for missing blocks takes."""


def blocks_missing(hashes: Sequence[str]) -> DomainError:
    detail = f"{len(hashes)} blocks are missing; get their URLs from /v1/blocks/missing and send them."
    return Conflict(detail, code="blocks_missing", hashes=list(hashes[:MAX_NAMED]))


@dataclass(slots=True)
class BlockService:
    """Blocks of one account: an upload uses only blocks of its uploader, no matter in whose tree the file is."""

    blocks: Blocks
    transactor: Transactor
    prover: BlockProver
    unclaimed: UnclaimedBlocks
    store: ObjectStore
    is_held: IsHeld
    settings: UploadSettings
    clock: Clock

    async def missing(
        self, account_id: str, hashes: Iterable[str], stored_bytes: Mapping[str, int] | None = None
    ) -> list[Json]:
        """Return those of `hashes` that this account has not sent, each with the URL and headers to send it.

        `stored_bytes`: the length of each frame to send by hash, which the URL signs. Without it no URL can bound what
        is stored, so the block is checked soon. OutOfSpace `over_quota` if more blocks would wait for a file than the
        account has room for; 429 `block_sizes_required` if such a URL was used to send more than a block.
        """
        sizes = stored_bytes or {}
        wanted, now = list(dict.fromkeys(hashes)), self.clock()
        known = await self.blocks.touch(account_id, wanted, now)
        pending = [block for block in known.values() if block.state == "pending"]
        arrived = await self.prover.prove(account_id, pending)
        there = arrived.keys() | {block.hash for block in known.values() if block.state == "stored"}
        missing = [name for name in wanted if name not in there]
        blocks_asked_total.labels("missing").inc(len(missing))
        blocks_asked_total.labels("there").inc(len(there))
        if not missing:
            return []
        expected = {name: sizes.get(name, MAX_FRAME_BYTES) for name in missing}
        unsized = [name for name in missing if name not in sizes]
        if unsized and await self.blocks.has_sent_too_much(account_id, now):
            detail = "A block was sent that is too large. For the next hours, give `sizes` with each request."
            raise TooMany(detail, code="block_sizes_required", retry_after=3600)
        new = await self.blocks.add(
            account_id, {name: size for name, size in expected.items() if name not in known}, now
        )
        # Read again: an invalid block is pending under another key now.
        again = await self.blocks.touch(account_id, [name for name in missing if name in known], now)
        more = {name: expected[name] for name, block in again.items() if expected[name] > (block.stored_bytes or 0)}
        await self.blocks.expect(account_id, more)
        if new or more:
            await self.unclaimed.refuse_beyond(account_id, list(new))
        if unsized:
            await self.blocks.plan_check(
                account_id, unsized, now + timedelta(seconds=self.settings.unsized_interval_seconds)
            )
        return [self._put(block, sizes.get(name)) for name, block in (new | again).items()]

    async def assemble(self, file: FileInBlocks, pieces: Sequence[Piece] | None) -> References:
        """Store the block list that a client has named for its file.

        Invalid `invalid_blocks` if they can't make up the file; 409 `blocks_missing` with `hashes` (up to 1000) if some
        are missing; 503 `verifying` while they are verified. The upload stays open.
        """
        if pieces is None:
            raise Incomplete("Name the file's blocks to complete this upload.")
        sha256 = file.sha256 or ""
        sizes = piece_sizes(pieces, file.size, sha256)
        if isinstance(sizes, str):
            raise invalid(sizes, "invalid_blocks")
        stored = await self._stored(file.account_id, sizes)
        other = [name for name, size in sizes.items() if stored[name].size != size]
        if other:
            detail = "Some blocks are stored with another size than the one listed."
            raise invalid(detail, "invalid_blocks", hashes=other[:MAX_NAMED])
        list_key = block_list_key(file.owner_id, file.id, new_id())
        blocks = [Block(piece.hash, piece.size, stored[piece.hash].key) for piece in pieces]
        await self.store.put(list_key, serialise(blocks), content_type="application/json")
        keys = {name: block.key for name, block in stored.items()}
        return References(list_key, file.account_id, keys)

    async def refer_with(self, references: References, claim: Callable[[Session], Awaitable[bool]]) -> bool:
        """Claim an upload and take the references of its list in one transaction; return whether it was open.

        Conflict `blocks_missing` if blocks were deleted since they were checked: the upload stays open.
        """

        async def work(transaction: Transaction) -> bool:
            is_claimed = await claim(transaction.session)
            if is_claimed:
                await self.blocks.refer(references, self.clock(), transaction.session)
            return is_claimed

        try:
            return await self.transactor.run(work)
        except BlocksGone:
            known = await self.blocks.touch(references.account_id, references.keys, self.clock())
            there = {block.hash for block in known.values() if block.state == "stored"}
            gone = [name for name, key in references.keys.items() if name not in there or known[name].key != key]
            raise blocks_missing(gone) from None

    async def release(self, list_keys: Iterable[str]) -> None:
        """Give back the references of contents that no version has any more. Idempotent."""
        for list_key in list_keys:
            account_id = await self.blocks.owner_of(list_key)
            if account_id is None:
                continue
            blocks = await self._read(list_key)
            if not await self.blocks.release(list_key, account_id, {block.hash for block in blocks}, self.clock()):
                continue  # released by a concurrent call
            if not blocks:
                log.warning("block_list_empty_or_lost", key=list_key)
            if not await self.is_held():  # else the worker deletes discarded objects later
                await self.store.delete(list_key)
                await self.blocks.forget_discarded([list_key])

    async def _read(self, list_key: str) -> list[Block]:
        try:
            return parse(await self.store.get(list_key))
        except ObjectNotFound:
            return []

    async def _stored(self, account_id: str, hashes: Iterable[str]) -> dict[str, KnownBlock]:
        """Return these blocks if all are stored; the store is asked where that is not known yet."""
        wanted = list(hashes)
        known = await self.blocks.touch(account_id, wanted, self.clock())
        pending = [block for block in known.values() if block.state == "pending"]
        if pending:
            arrived = await self.prover.prove(account_id, pending)
            for block in pending:
                if block.hash in arrived:
                    known[block.hash] = KnownBlock(block.hash, block.key, "stored", arrived[block.hash])
        missing = [name for name in wanted if name not in known or known[name].state == "pending"]
        if missing:
            raise blocks_missing(missing)
        return known

    def _put(self, block: KnownBlock, stored_bytes: int | None) -> Json:
        put = self.store.presign_put(
            block.key,
            size=stored_bytes,
            content_type=FRAME_TYPE,
            expires_in=self.settings.block_url_lifetime_seconds,
            # First write only: a client that keeps the URL can't replace a block that was verified.
            overwrite=False,
        )
        return {"hash": block.hash, "url": put.url, "headers": dict(put.headers)}
