"""PDFs of Office documents, kept as variants: LibreOffice converts a document once, not once a page."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from docstore_contents.s3.store import ObjectNotFound, ObjectStoreError, ObjectTooLarge
from docstore_media.rules import Rendition, Variant, pdf_of
from docstore_media.variants.repository import Variants
from docstore_media.variants.service import REMOVE_WAKEUP
from docstore_work.wakeup import wake

log = structlog.get_logger(__name__)


class Contents(Protocol):
    """Versions that use a rendition."""

    async def object_keys(self, rendition_id: str) -> list[str]:
        """Return the keys of its content; none once it is to be deleted."""


class Objects(Protocol):
    """The processed bucket."""

    async def download(self, key: str, path: Path, max_bytes: int) -> int: ...

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None: ...


@dataclass(slots=True)
class KeptPdfs:
    """PDFs of up to `max_bytes`, bounded and evicted like other variants."""

    variants: Variants
    contents: Contents
    objects: Objects
    max_bytes: int

    async def fetch(self, content: Rendition | Variant, path: Path) -> bool:
        """Write the PDF to `path`, and record its use; False if it is not kept. Raises ObjectStoreError."""
        pdf = pdf_of(content)
        found = await self.variants.find(pdf.id)
        if found is None or found.state != "ready":
            return False
        try:
            await self.objects.download(pdf.object_key, path, self.max_bytes)
        except (ObjectNotFound, ObjectTooLarge):  # evicted since; the bound was lowered
            return False
        return True

    async def keep(self, content: Rendition | Variant, path: Path) -> None:
        """Store the PDF, unless another worker does. If that fails, it is converted again for the next page.

        Recorded before it is stored: after a crash, the record leads to whatever is in the bucket.
        """
        pdf = await self.variants.reserve(pdf_of(content))
        if pdf is None:
            return
        size = (await asyncio.to_thread(path.stat)).st_size
        if await self._is_stored(pdf, path) and await self.variants.conclude(pdf, "", size):
            return
        await self.variants.postpone(pdf, 0, faultless=False)
        wake(REMOVE_WAKEUP)

    async def _is_stored(self, pdf: Variant, path: Path) -> bool:
        # A rendition is removed after its last version: either its removal sees the record, or this sees no version.
        if not await self.contents.object_keys(pdf.rendition_id):
            return False
        try:
            await self.objects.put_file(pdf.object_key, path, content_type=pdf.spec.content_type)
        except (ObjectStoreError, OSError) as error:
            log.warning("pdf_not_kept", variant=pdf.id, error=repr(error))
            return False
        return True
