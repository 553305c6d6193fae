"""What the use cases of upload sessions need of their repository."""

from datetime import datetime
from typing import Protocol

from docstore_upload.lifecycle.ports import Transfers
from docstore_upload.lifecycle.rules import State
from docstore_upload.sessions.rules import Upload, Verified


class Uploads(Transfers[Upload], Protocol):
    """Where upload sessions are kept."""

    async def page(self, account_id: str, before: str | None, limit: int, state: State | None) -> list[Upload]:
        """Newest first, those begun before `before`."""
        ...

    async def open_in_blocks(self, account_id: str) -> int:
        """Bytes of the open uploads in blocks that this account began."""
        ...

    async def given_up_bytes(self, account_id: str, now: datetime) -> int:
        """Bytes of this account's forms and credentials that were given up and still work.

        Credentials whose upload was refused count for more: nobody knows how much they write.
        """
        ...

    async def mark_uploading(self, upload_id: str) -> None:
        """Bytes have begun to arrive."""
        ...

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        """Remember what the object of this ETag is, so that nobody reads it all again."""
        ...

    async def stalled(self, after: str, limit: int) -> list[Upload]: ...
