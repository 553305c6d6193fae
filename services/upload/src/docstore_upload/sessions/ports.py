"""Repository interface of upload sessions."""

from datetime import datetime
from typing import Protocol

from docstore_upload.lifecycle.ports import Transfers
from docstore_upload.lifecycle.rules import State
from docstore_upload.sessions.rules import Upload, Verified


class Uploads(Transfers[Upload], Protocol):
    """Repository of upload sessions."""

    async def page(self, account_id: str, before: str | None, limit: int, state: State | None) -> list[Upload]:
        """Return sessions that began before `before`, newest first."""

    async def open_in_blocks(self, account_id: str) -> int:
        """Return the bytes of the account's open uploads in blocks."""

    async def given_up_bytes(self, account_id: str, now: datetime) -> int:
        """Return the bytes of the account's cancelled forms and credentials that still work.

        Credentials whose upload was refused count for more, because it is unknown how much they write.
        """

    async def mark_uploading(self, upload_id: str) -> None:
        """Record that bytes have begun to arrive."""

    async def declare(self, upload_id: str, sha256: str | None, modified_at: datetime | None) -> bool:
        """Record what the client declares of the whole content of an open upload; False if it has declared another
        SHA-256."""

    async def count_signed(self, upload_id: str, size: int, most: int) -> bool:
        """Count `size` bytes to be signed in parts of given sizes; False, without them, if all would be over `most`."""

    async def note_found(self, upload_id: str, etag: str, verified: Verified) -> None:
        """Store the checksum of the object with this ETag, so that it is not read again."""

    async def stalled(self, after: str, limit: int) -> list[Upload]: ...
