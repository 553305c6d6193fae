"""The events of packs."""

from typing import TypedDict

from docstore_events.uploads import PackAborted, PackExpired, PackStalled
from docstore_upload.lifecycle.rules import Refusal, State
from docstore_upload.packs.rules import Pack


class About(TypedDict):
    revision: int
    pack_id: str
    account_id: str
    path: str
    files: int
    size: int


def about(pack: Pack, revision: int) -> About:
    """Fields of every event of a pack."""
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
    fields = about(pack, pack.revision + 1)
    if state == "expired":
        return PackExpired(**fields, numbers=pack.numbers)
    return PackAborted(**fields, numbers=pack.numbers, reason=refusal.code if refusal else "given_up")


def stalled(pack: Pack, missing: tuple[str, ...]) -> PackStalled:
    return PackStalled(**about(pack, pack.revision + 1), missing=missing)
