"""Use cases of visitors, who have a link's token and need no account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_events.catalogue.shares import LinkOpened
from docstore_events.transaction import Transaction
from docstore_metadata.cold_storage.service import ContentAccess
from docstore_metadata.downloads.delivery import Download
from docstore_metadata.errors import LinkPassword, NotAFile, NotAFolder, NotFound, WatermarkedOnly
from docstore_metadata.links.rules import Link, LinkGrants, hashes_of
from docstore_metadata.links.service import publish_link_event
from docstore_metadata.listing.query import PageQuery, next_cursor, parse_position
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import Conflict, Forbidden
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.throttle import Throttle

DOWNLOAD_SECONDS = 60
"""A signed URL is used at once, and soon useless to others."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A valid link and its target; `grant` proves to later calls that its password was given."""

    link: Link
    place: Place
    grant: str


@dataclass(frozen=True, slots=True)
class FolderPage:
    folder: Node
    items: Sequence[Node]
    next_cursor: str | None


@dataclass(slots=True)
class LinkVisits(UseCases):
    """Raises NotFound for a link that is unknown, revoked, expired or used up, or whose target is not public."""

    passwords: Passwords
    throttle: Throttle
    grants: LinkGrants
    access: ContentAccess

    async def open(self, token: str, password: str | None, address: str) -> Visit:
        """Open a link: counts the visit and publishes it.

        Raises LinkPassword unless the password is right, TooMany after too many wrong ones, per address or in total.
        """
        link, _ = await self._find(token)
        if link.password_hash is not None:
            if password is None:
                raise _password_needed()
            async with self.throttle.attempt(link.id, address) as attempt:
                requester = Requester.anonymous(address, link.id)
                attempt.succeeded = await self.passwords.matches(password, link.password_hash, requester)
            if not attempt.succeeded:
                raise LinkPassword("This is not the link's password.", reason="wrong")

        async def work(transaction: Transaction) -> Visit:
            # Read again: it may have been revoked while the password was checked.
            place = await self.tree.place(link.node_id, transaction.session)
            opened = await self.store.links.count_open(link.id, transaction.session)
            if opened is None or opened.password_hash != link.password_hash or not opened.opens_at(self.clock()):
                raise NotFound("link")
            if place is None or not place.is_public_by_link:
                raise NotFound("link")
            publish_link_event(LinkOpened, opened, place, transaction, opens=opened.opens)
            return Visit(opened, place, self.grants.make(opened, self.clock()))

        return await self.transactor.run(work, lane=link.id)

    async def revisit(self, token: str, grant: str) -> Visit:
        """Visit an opened link again, without counting. LinkPassword if it has a password and `grant` is not valid."""
        link, place = await self._find(token)
        if link.password_hash is not None and not self.grants.is_good(grant, link, self.clock()):
            raise _password_needed()
        return Visit(link, place, grant)

    async def has_password(self, token: str) -> bool:
        link, _ = await self._find(token)
        return link.password_hash is not None

    async def page(self, visit: Visit, folder_id: str | None, cursor: str | None, limit: int) -> FolderPage:
        """A page of the linked folder, or of one below it, in natural order."""
        place = await self._within(visit, folder_id)
        if not place.node.is_folder:
            raise NotAFolder("Only a folder can be listed.")
        query = PageQuery(limit=limit)
        if cursor:
            query = replace(query, position=parse_position(cursor, query.sort, query.order))
        nodes = await self.store.pages.page(place.node.id, query)
        shown = nodes[:limit]
        return FolderPage(place.node, shown, next_cursor(query, shown[-1]) if len(nodes) > limit else None)

    async def download(self, visit: Visit, file_id: str | None) -> Download:
        """The linked file, or one in the linked folder. Counted before it is delivered, so that the limit holds.

        WatermarkedOnly if the link gives only pictures.
        """
        node = await self.file(visit, file_id)
        if visit.link.watermark is not None:
            raise WatermarkedOnly
        await self.access.open(node.object_key)
        if not await self.store.links.count_downloads(visit.link.id, 1, self.clock()):
            raise NotFound("link")
        return Download(node.id, node.name, node.content_type, node.object_key, node.size, node.sha256)

    async def whole(self, visit: Visit, node_id: str | None) -> Place:
        """What a ZIP is made of: the link's target or something in it. WatermarkedOnly if the link gives pictures."""
        if visit.link.watermark is not None:
            raise WatermarkedOnly
        return await self._within(visit, node_id)

    async def count_zip(self, visit: Visit, files: int) -> None:
        """Count a download of each file of a ZIP before it is sent, at least one; Conflict if the limit is less."""
        files = max(files, 1)
        left = visit.link.downloads_left
        if left is not None and files > left:
            detail = f"The link allows {left} more downloads, and there are {files} files: download some one by one."
            raise Conflict(detail, code="too_few_downloads_left", downloads_left=left, files=files)
        if not await self.store.links.count_downloads(visit.link.id, files, self.clock()):
            raise NotFound("link")

    async def file(self, visit: Visit, file_id: str | None) -> Node:
        """The linked file, or one in the linked folder."""
        node = (await self._within(visit, file_id)).node
        if node.is_folder:
            raise NotAFile("A folder has no content: name a file in it.")
        return node

    async def _find(self, token: str) -> tuple[Link, Place]:
        link = await self.store.links.by_token(hashes_of(token))
        if link is None or not link.opens_at(self.clock()):
            raise NotFound("link")
        place = await self.tree.place(link.node_id)
        if place is None or not place.is_public_by_link:
            raise NotFound("link")
        return link, place

    async def _within(self, visit: Visit, node_id: str | None) -> Place:
        """The link's target or a node below it; NotFound for any other. Forbidden for a link that only receives."""
        if visit.link.receives:
            raise Forbidden("This link receives files and shows none.", code="receives_only")
        top = visit.place.node.id
        if node_id is None or node_id == top:
            return visit.place
        place = await self.tree.place(node_id)
        if place is None or not place.is_public_by_link or top not in place.ancestor_ids:
            raise NotFound
        return place


def _password_needed() -> LinkPassword:
    return LinkPassword("This link needs its password.", reason="needed")
