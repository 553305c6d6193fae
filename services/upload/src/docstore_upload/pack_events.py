"""The events of packs."""

from typing import TypedDict

from docstore_events.uploads import PackAborted, PackExpired, PackStalled
from docstore_upload.domain import Refusal, State
from docstore_upload.packs import Pack


class About(TypedDict):
    revision: int
    pack_id: str
    account_id: str
    path: str
    files: int
    size: int


def about(pack: Pack, revision: int) -> About:
    """What every event of a pack tells."""
    return {
        "revision": revision,
        "pack_id": pack.id,
        "account_id": pack.account_id,
        "path": pack.path,
        "files": len(pack.numbers),
        "size": pack.size,
    }


def ended(pack: Pack, state: State, refusal: Refusal | None) -> PackExpired | PackAborted:
    """That it came to nothing."""
    told = about(pack, pack.revision + 1)
    if state == "expired":
        return PackExpired(**told, numbers=pack.numbers)
    return PackAborted(**told, numbers=pack.numbers, reason=refusal.code if refusal else "given_up")


def stalled(pack: Pack, missing: tuple[str, ...]) -> PackStalled:
    return PackStalled(**about(pack, pack.revision + 1), missing=missing)
