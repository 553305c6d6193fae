"""Rules of accesses: whose object a request reached, and whether it downloaded bytes. Standard library only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LogKind = Literal["s3", "cloudfront", "embedded"]
KINDS = {"uploads": "content", "blocks": "block", "packs": "pack"}
"""By the folder below an account's. The bytes of files are in these kinds."""
DOWNLOADED = frozenset(KINDS.values())
READ = "REST.GET.OBJECT"
EDGE = "svc:cloudfront.amazonaws.com"
"""How S3 names CloudFront as a requester: what the edge fetches is counted where the edge sends it."""


@dataclass(frozen=True, slots=True)
class Access:
    """A request in an access log. Sizes in bytes; None or an empty text: the log lacks it."""

    at: datetime
    log: LogKind
    bucket: str
    """The edge's host name in its log."""
    key: str
    operation: str
    status: int
    bytes: int | None
    """Sent to the client."""
    object_bytes: int | None
    client: str
    request_id: str
    user_agent: str
    requester: str
    by_url: bool
    """With a signed URL, form or cookies, so by a client."""

    @property
    def is_whole_read(self) -> bool:
        """Of an object: the embedded store calls the listing of a bucket a read, too, without a key."""
        return self.operation == READ and self.status == 200 and bool(self.key)

    @property
    def downloaded(self) -> int:
        """Bytes of files that a client received."""
        is_read = self.by_url and self.operation == READ and self.status in (200, 206) and self.requester != EDGE
        return self.bytes or 0 if is_read and owner_of(self.key)[0] in DOWNLOADED else 0


def owner_of(key: str) -> tuple[str, str]:
    """Return the kind of an object, and the account that owns it, if one does."""
    match key.split("/"):
        case ["accounts", account_id, folder, _, *_]:
            return KINDS.get(folder, "other"), account_id
        case ["previews", account_id, _, *_]:
            return "preview", account_id
        case ["archive", _, *_]:
            return "archive", ""
    return "other", ""
