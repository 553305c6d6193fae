"""Uploads many small files in one object: one signed PUT and two calls per pack.

The format is documented in the server's `docstore_contents.packs`: consecutive slices, an index of 12 bytes each
(number, offset, size), and a footer of 8 bytes (count, magic).
"""

import asyncio
import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from docstore_client.errors import ApiError, ContentDiffers, DocStoreError
from docstore_client.models import File
from docstore_client.network.connection import Connection
from docstore_client.sources import Progress, Source, unreadable
from docstore_client.transfers import put_bytes, refusal

PACKED_BELOW = 64 << 10
"""Largest file in a pack; larger ones get their own object."""
PACK_FILES = 512
PACK_BYTES = 8 << 20
PARALLEL_PACKS = 3
MAGIC = b"DSP1"
_ENTRY = struct.Struct("<III")
_FOOTER = struct.Struct("<I4s")

Outcome = File | DocStoreError


@dataclass(frozen=True, slots=True)
class Loaded:
    """A small file in memory."""

    source: Source
    data: bytes
    sha256: str

    @property
    def wish(self) -> dict[str, Any]:
        return self.source.wish(len(self.data), self.sha256)


def pack_bytes(slices: Mapping[int, bytes]) -> bytes:
    """A pack of slices by number."""
    entries = []
    offset = 0
    for number, data in slices.items():
        entries.append(_ENTRY.pack(number, offset, len(data)))
        offset += len(data)
    return b"".join((*slices.values(), *entries, _FOOTER.pack(len(entries), MAGIC)))


class PackUploads:
    """Uploads in packs over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._room = asyncio.Semaphore(PARALLEL_PACKS)

    async def upload_many(self, sources: Sequence[Source], progress: Progress) -> list[Outcome]:
        """Upload files smaller than PACKED_BYTES into the account's own tree. Return for each the file or the error."""
        packs = list(_groups(sources))
        outcomes = await asyncio.gather(*(self._upload_pack(pack, progress) for pack in packs))
        return [outcome for pack in outcomes for outcome in pack]

    async def _upload_pack(self, sources: Sequence[Source], progress: Progress) -> list[Outcome]:
        async with self._room:
            outcomes: dict[int, Outcome] = {}
            loaded: dict[int, Loaded] = {}
            for number, each in enumerate(await asyncio.to_thread(_load_all, sources)):
                if isinstance(each, DocStoreError):
                    outcomes[number] = each
                else:
                    loaded[number] = each
            try:
                outcomes |= await self._send(loaded, progress)
            except DocStoreError as error:
                outcomes |= dict.fromkeys(loaded, error)
            return [outcomes[number] for number in range(len(sources))]

    async def _send(self, loaded: Mapping[int, Loaded], progress: Progress) -> dict[int, Outcome]:
        """Outcomes by file number."""
        if not loaded:
            return {}
        wishes = [each.wish for each in loaded.values()]
        pack = await self._connection.call("POST", "/v1/packs", {"files": wishes})
        outcomes: dict[int, Outcome] = {}
        slices: dict[int, int] = {}
        for number, response in zip(loaded, pack["files"], strict=True):
            if problem := response.get("problem"):
                outcomes[number] = refusal(problem)
            else:
                slices[response["number"]] = number
        if not slices:
            return outcomes
        data = pack_bytes({sliced: loaded[number].data for sliced, number in slices.items()})
        try:
            await put_bytes(self._connection, pack["put"], data)
        except DocStoreError:
            with suppress(DocStoreError):  # so that no quota stays reserved
                await self._connection.call("DELETE", f"/v1/packs/{pack['id']}")
            raise
        progress(sum(len(loaded[number].data) for number in slices.values()))
        for response in (await self._complete(pack["id"]))["files"]:
            problem = response.get("problem")
            outcomes[slices[response["number"]]] = (
                refusal(problem) if problem else File.model_validate(response["file"])
            )
        return outcomes

    async def _complete(self, pack_id: str) -> dict[str, Any]:
        while True:
            try:
                response: dict[str, Any] = await self._connection.call("POST", f"/v1/packs/{pack_id}/complete")
            except ApiError as error:
                if error.code != "verifying":
                    raise
            else:
                return response


def _groups(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Fill packs in order."""
    group: list[Source] = []
    size = 0
    for source in sources:
        more = source.size_now()
        if group and (len(group) == PACK_FILES or size + more > PACK_BYTES):
            yield group
            group, size = [], 0
        group.append(source)
        size += more
    if group:
        yield group


def _load_all(sources: Sequence[Source]) -> list[Loaded | DocStoreError]:
    return [_load(source) for source in sources]


def _load(source: Source) -> Loaded | DocStoreError:
    try:
        with source.local.open("rb", buffering=0) as file:
            data = file.read(PACKED_BELOW) or b""
    except OSError as error:
        return unreadable(source, error)
    digest = hashlib.sha256(data).hexdigest()
    is_grown = len(data) == PACKED_BELOW
    if is_grown or source.measured not in (None, (len(data), digest)):
        return ContentDiffers(f"{source.local} has changed while it was sent")
    return Loaded(source, data, digest)
