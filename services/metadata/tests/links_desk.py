"""A folder with a link by which visitors send files, on fakes."""

from typing import cast

from metadata_fakes import Desk

from docstore_contracts.upload import ReceivedBegin, ReceivedFile, ReceivedUpload, UploadClient
from docstore_metadata.links.rules import Link, LinkOptions
from docstore_metadata.links.visits.receiving import LinkReceiving
from docstore_metadata.links.visits.service import Visit
from docstore_platform.errors import DomainError

RECEIVE = LinkOptions(kind="receive", message="Your invoices", max_files=2, max_bytes=100)


class FakeUploads:
    """Begins every upload unless `refusal` is set."""

    def __init__(self) -> None:
        self.begun: list[ReceivedBegin] = []
        self.refusal: DomainError | None = None

    async def begin_received(self, file: ReceivedBegin) -> ReceivedUpload:
        if self.refusal:
            raise self.refusal
        self.begun.append(file)
        return {"id": "u.token", "url": "https://store/u", "headers": {}, "expires_at": "2026-11-23T00:00:00Z"}

    async def complete_received(self, upload_id: str, token: str) -> ReceivedFile:
        assert (upload_id, token) == ("u", "token")
        return {"name": "a (conflicted copy).txt", "size": 5}


class Mailroom(Desk):
    """A folder with a link that receives."""

    def __init__(self) -> None:
        super().__init__()
        self.uploads = FakeUploads()
        uploads = cast("UploadClient", self.uploads)
        self.receiving = LinkReceiving(self.store, self.tree, self.transactor, uploads, clock=self.clock)

    async def visit(self, options: LinkOptions = RECEIVE) -> Visit:
        folder = await self.folder("/inbox")
        link, _ = await self.links.make(self.caller, folder.id, options)
        place = await self.tree.place(folder.id)
        assert place is not None
        return Visit(link, place, "")

    def link(self, visit: Visit) -> Link:
        return self.fakes.links.by_id[visit.link.id]
