"""Public links, as whoever has the token uses them: nobody is logged in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.downloads.delivery import Download
from docstore_metadata.errors import LinkPassword, NotAFile, NotAFolder, NotFound
from docstore_metadata.links.rules import Link, LinkGrants, hash_of
from docstore_metadata.links.service import publish_link_event
from docstore_metadata.storage import Store
from docstore_metadata.tree.list_query import PageQuery, next_cursor, parse_position
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node, Place
from docstore_platform.clock import Clock, utc_now
from docstore_platform.fair_queue import Requester
from docstore_platform.passwords import Passwords
from docstore_platform.throttle import Throttle

DOWNLOAD_SECONDS = 60
"""A signed URL is used at once; who passes it on instead passes a short-lived one."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A link that was found open, and what it leads to; `grant` proves to later calls that its password was given."""

    link: Link
    place: Place
    grant: str


@dataclass(frozen=True, slots=True)
class FolderPage:
    folder: Node
    items: Sequence[Node]
    next_cursor: str | None


class LinkVisits:
    """What a token opens. A link that is unknown, revoked, expired or used up, or to nothing public, is NotFound."""

    def __init__(
        self,
        store: Store,
        tree: Tree,
        transactor: Transactor,
        passwords: Passwords,
        throttle: Throttle,
        grants: LinkGrants,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._passwords = passwords
        self._throttle = throttle
        self._grants = grants
        self._clock = clock

    async def open(self, token: str, password: str | None, address: str) -> Visit:
        """Look at what a link leads to, which is counted and said.

        LinkPassword unless the password is right, TooMany after too many wrong ones, from one address or from all.
        """
        link, _ = await self._find(token)
        if link.password_hash is not None:
            if password is None:
                raise _password_needed()
            async with self._throttle.attempt(link.id, address) as attempt:
                requester = Requester.stranger(address, link.id)
                attempt.succeeded = await self._passwords.matches(password, link.password_hash, requester)
            if not attempt.succeeded:
                raise LinkPassword("This is not the link's password.", reason="wrong")

        async def work(transaction: Transaction) -> Visit:
            # Read again: it may have been revoked while the password was checked.
            place = await self._tree.place(link.node_id, transaction.session)
            opened = await self._store.links.count_open(link.id, transaction.session)
            if opened is None or opened.password_hash != link.password_hash or not opened.opens_at(self._clock()):
                raise _no_link()
            if place is None or not place.is_public_by_link:
                raise _no_link()
            publish_link_event("opened", opened, place, transaction)
            return Visit(opened, place, self._grants.make(opened, self._clock()))

        return await self._transactor.run(work, lane=link.id)

    async def look(self, token: str, grant: str) -> Visit:
        """The same once it was opened, not counted; LinkPassword if the link has one and `grant` is not good."""
        link, place = await self._find(token)
        if link.password_hash is not None and not self._grants.is_good(grant, link, self._clock()):
            raise _password_needed()
        return Visit(link, place, grant)

    async def has_password(self, token: str) -> bool:
        link, _ = await self._find(token)
        return link.password_hash is not None

    async def page(self, visit: Visit, folder_id: str | None, cursor: str | None, limit: int) -> FolderPage:
        """What is in the folder that the link leads to, or in one below it, in its natural order."""
        place = await self._within(visit, folder_id)
        if not place.node.is_folder:
            raise NotAFolder("Only a folder can be listed.")
        query = PageQuery(limit=limit)
        if cursor:
            query = replace(query, position=parse_position(cursor, query.sort, query.order))
        nodes = await self._store.nodes.page(place.node.id, query)
        shown = nodes[:limit]
        return FolderPage(place.node, shown, next_cursor(query, shown[-1]) if len(nodes) > limit else None)

    async def download(self, visit: Visit, file_id: str | None) -> Download:
        """The file, or one in the folder, to be fetched; counted before it is given out, so a limit holds."""
        node = (await self._within(visit, file_id)).node
        if node.is_folder:
            raise NotAFile("A folder has no content: name a file in it.")
        if not await self._store.links.count_download(visit.link.id, self._clock()):
            raise _no_link()
        return Download(node.id, node.name, node.content_type, node.object_key, node.size, node.sha256)

    async def _find(self, token: str) -> tuple[Link, Place]:
        link = await self._store.links.by_token(hash_of(token))
        if link is None or not link.opens_at(self._clock()):
            raise _no_link()
        place = await self._tree.place(link.node_id)
        if place is None or not place.is_public_by_link:
            raise _no_link()
        return link, place

    async def _within(self, visit: Visit, node_id: str | None) -> Place:
        """A node at or below what the link leads to; anything else is not there."""
        top = visit.place.node.id
        if node_id is None or node_id == top:
            return visit.place
        place = await self._tree.place(node_id)
        if place is None or not place.is_public_by_link or top not in place.ancestor_ids:
            raise NotFound
        return place


def _no_link() -> NotFound:
    return NotFound("link")


def _password_needed() -> LinkPassword:
    return LinkPassword("This link needs its password.", reason="needed")
