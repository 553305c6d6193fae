"""Use cases of downloads: one content, its blocks, or the locations of many."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docstore_contents.block_list import Block
from docstore_contents.packs import Slice, pack_of
from docstore_contents.reader import Contents, is_blocks, is_whole
from docstore_contents.s3.cdn import SignedCookies
from docstore_contents.s3.store import ObjectStoreError, ObjectStoreUnavailable
from docstore_contracts.caller import ItemRefused
from docstore_metadata.changes.new_versions import new_version
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.downloads.delivery import OCTETS, Delivery, Download
from docstore_metadata.errors import NotFound
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Version
from docstore_metadata.tree.views.presentation import Json, item_problem
from docstore_metadata.versions.documents import version_id
from docstore_metadata.versions.service import VersionService, first_visible_version, require_file
from docstore_platform.errors import Conflict, DomainError
from docstore_platform.security.tokens import Principal

INDEXES_READ_AT_ONCE = 16
BLOCK_TYPE = "application/zstd"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requested file: this version of it, or the current one."""

    file_id: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class BlocksPage:
    """Some of a version's blocks, each with its URL; `following`: the position of the next, if there are more."""

    version: Version
    blocks: Sequence[tuple[Block, str]]
    following: int | None


@dataclass(frozen=True, slots=True)
class OpenPack:
    """A pack that the caller sent: one URL for all of its slices."""

    url: str
    slices: Mapping[int, Slice]


@dataclass(slots=True)
class DownloadService:
    """Use cases that read contents. Every signed URL is valid for `seconds`."""

    store: Store
    tree: Tree
    versions: VersionService
    contents: Contents
    delivery: Delivery
    access: ContentAccess
    seconds: int
    offers_cookies: bool = False

    async def one(self, principal: Principal, node_id: str, number: int | None) -> Download:
        """The content of a file, or of an old version of it."""
        place, version = await self.versions.fetch(principal, node_id, number)
        await self.access.open(version.object_key)
        return _download(place, version)

    async def blocks(
        self, principal: Principal, node_id: str, number: int | None, position: int, limit: int, *, signed: bool = True
    ) -> BlocksPage:
        """Up to `limit` blocks from `position` on; NotInBlocks for a content of another form."""
        opened = self._opened_by_cookies(principal, signed)
        _, version = await self.versions.fetch(principal, node_id, number)
        if not is_blocks(version.object_key):
            raise Conflict("This content is not kept in blocks: fetch it whole.", code="not_in_blocks")
        await self.access.open(version.object_key)
        every = await self.contents.blocks(version.object_key)
        end = position + limit
        page = [(block, self._url(block.key, block.hash, BLOCK_TYPE, opened)) for block in every[position:end]]
        return BlocksPage(version, page, end if end < len(every) else None)

    def cookies(self, principal: Principal) -> SignedCookies:
        """Cookies of the CDN for all contents of the caller's account, valid as long as a signed URL.

        They open no content of others: a prefix has no finer limit than an account, and a share covers less.
        """
        if not self.offers_cookies:
            raise no_cookies()
        cookies = self.delivery.objects.cookies(_own_prefix(principal), expires_in=self.seconds)
        if cookies is None:  # also while contents are read from a replica
            raise no_cookies()
        return cookies

    async def many(
        self, principal: Principal, wanted: Sequence[Wanted], *, signed: bool = True
    ) -> list[Json | ItemRefused]:
        """The location of each, or the problem, in the requested order.

        A whole object has a signed URL, and so has, with an offset, a slice of a pack that the caller sent. That URL
        opens the whole pack: others, and tokens that are limited to a folder, get a slice by the content route, like
        content in blocks.
        """
        opened = self._opened_by_cookies(principal, signed)
        found = await self._without_archived(await self._find(principal, wanted))
        keys = [item[1].object_key for item in found if not isinstance(item, DomainError)]
        named = [slice_ for slice_ in map(pack_of, keys) if slice_ is not None]
        packs = await self._open_packs(
            {of.pack_key for of in named if of.account_id == principal.account_id and not principal.folder_id}, opened
        )
        return [
            item_problem(item) if isinstance(item, DomainError) else self._where(*item, packs, opened) for item in found
        ]

    async def _find(self, principal: Principal, wanted: Sequence[Wanted]) -> list[tuple[Place, Version] | DomainError]:
        """The versions that the caller may read: one query for files and folders with hints, one for old versions."""
        places = await self.tree.places({item.file_id for item in wanted})
        allowed: list[Place | DomainError] = []
        for item in wanted:
            try:
                allowed.append(require_file(authorize(principal, places.get(item.file_id), Action.DOWNLOAD)))
            except DomainError as refusal:
                allowed.append(refusal)
        ids = [
            version_id(item.file_id, item.number)
            for item, place in zip(wanted, allowed, strict=True)
            if isinstance(place, Place) and item.number not in (None, place.node.version)
        ]
        old = await self.store.versions.by_id(ids) if ids else {}
        found: list[tuple[Place, Version] | DomainError] = []
        for item, place in zip(wanted, allowed, strict=True):
            if isinstance(place, DomainError):
                found.append(place)
            elif item.number is None or item.number == place.node.version:
                found.append((place, new_version(place.node, upload_id=None)))
            else:
                version = old.get(version_id(item.file_id, item.number))
                first = 1 if version is None else await first_visible_version(self.store, principal.account_id, place)
                found.append(NotFound("version") if version is None or item.number < first else (place, version))
        return found

    async def _without_archived(
        self, found: Sequence[tuple[Place, Version] | DomainError]
    ) -> list[tuple[Place, Version] | DomainError]:
        """The same with a problem in place of each content that must be retrieved first."""
        keys = [item[1].object_key for item in found if not isinstance(item, DomainError)]
        archived = await self.access.archived_among(keys)
        return [
            item
            if isinstance(item, DomainError) or item[1].object_key not in archived
            else self.access.policy.archived()
            for item in found
        ]

    async def _open_packs(self, pack_keys: set[str], opened: str) -> dict[str, OpenPack]:
        """The packs with their current slices. Unreadable packs are left out: their slices' route reports the error."""
        free = asyncio.Semaphore(INDEXES_READ_AT_ONCE)
        packs: dict[str, OpenPack] = {}

        async def open_pack(key: str) -> None:
            async with free:
                try:
                    index = await self.contents.pack_index(key)
                except ObjectStoreUnavailable:
                    raise
                except ObjectStoreError:
                    return
            # The ETag in the name keeps the bytes before and after a compaction apart in caches.
            name = f"{key.rpartition('/')[2]}-{index.etag}"
            packs[key] = OpenPack(self._url(key, name, OCTETS, opened), index.slices)

        await asyncio.gather(*(open_pack(key) for key in pack_keys))
        return packs

    def _where(self, place: Place, version: Version, packs: Mapping[str, OpenPack], opened: str) -> Json:
        response: Json = {
            "id": version.node_id,
            "version": version.number,
            "size": version.size,
            "sha256": version.sha256,
            "direct": True,
        }
        if is_whole(version.object_key):
            return response | {"url": self._url(version.object_key, place.node.name, version.content_type, opened)}
        named = pack_of(version.object_key)
        pack = packs.get(named.pack_key) if named else None
        entry = pack.slices.get(named.number) if named and pack else None
        if pack is not None and entry is not None:
            return response | {"url": pack.url, "offset": entry.offset}
        url = f"/v1/files/{version.node_id}/content?version={version.number}"
        return response | {"direct": False, "url": url}

    def _opened_by_cookies(self, principal: Principal, signed: bool) -> str:
        """The prefix of keys whose URLs need no signature; empty: all need one, as for who could get no cookies."""
        if signed or principal.folder_id:
            return ""
        if not self.offers_cookies:
            raise no_cookies()
        return _own_prefix(principal)

    def _url(self, key: str, name: str, content_type: str, opened: str) -> str:
        by_cookies = opened != "" and key.startswith(opened)
        return self.delivery.signed_url(key, name, content_type, self.seconds, by_cookies=by_cookies)


def _own_prefix(principal: Principal) -> str:
    return f"accounts/{principal.account_id}/"


def no_cookies() -> Conflict:
    return Conflict("This server has no signed cookies: use signed URLs.", code="no_signed_cookies")


def _download(place: Place, version: Version) -> Download:
    node = place.node
    return Download(node.id, node.name, version.content_type, version.object_key, version.size, version.sha256)
