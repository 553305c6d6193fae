"""What an account may have in the store without being charged for it. Sizes in bytes."""

from collections.abc import Iterable, Mapping
from typing import Any

from docstore_upload.blocks import MAX_FRAME_BYTES, KnownBlock


def room_for_unclaimed(allowance: int, usage: Mapping[str, Any], open_in_blocks: int) -> int:
    """The most that blocks which no file has claimed may take.

    They may take what the account could still claim: what is left of its quota, and what its open uploads in blocks
    have reserved, in whosever tree; and the allowance beyond that.
    """
    left = usage["limit"] - usage["used"] - usage["reserved"]
    return int(allowance + max(0, left) + open_in_blocks)


def to_be_withdrawn(blocks: Iterable[KnownBlock], excess: int) -> list[KnownBlock]:
    """The first of `blocks` that make up for `excess`."""
    chosen: list[KnownBlock] = []
    for block in blocks:
        if excess <= 0:
            break
        excess -= stored_bytes_of(block)
        chosen.append(block)
    return chosen


def stored_bytes_of(block: KnownBlock) -> int:
    """What it may take in the store, by what is known of it."""
    if block.stored_bytes is not None:
        return block.stored_bytes
    return MAX_FRAME_BYTES if block.size is None else block.size
