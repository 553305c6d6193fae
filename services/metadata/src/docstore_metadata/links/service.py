"""Use cases of a link's owner: create, list, change and revoke public links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from docstore_events.catalogue.shares import LinkCreated, LinkExpiring, LinkOpened, LinkRevoked
from docstore_events.transaction import Transaction
from docstore_metadata.errors import NotAFolder, NotFound, NotShareable
from docstore_metadata.links.rules import (
    MAX_LINK_YEARS,
    MAX_LINKS,
    OPTIONS,
    Link,
    LinkOptions,
    hash_of,
    new_token,
    operation_of,
)
from docstore_metadata.storage import Store, UseCases
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_platform.errors import Conflict, invalid
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import DuplicateKeyError
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.fair_queue import Requester
from docstore_platform.security.passwords import Passwords
from docstore_platform.security.tokens import Principal

AT_ONCE = 100
"""Links of an account that end in one transaction."""
LIMITS = ("watermark", "max_downloads", "embed", "message", "max_files", "max_bytes")


@dataclass(slots=True)
class LinkService(UseCases):
    """Each change is one transaction."""

    passwords: Passwords
    cipher: Cipher
    public_url: str

    async def make(self, principal: Principal, node_id: str, options: LinkOptions, key: str = "") -> tuple[Link, str]:
        """Make a link; returns it with its token. A repeated Idempotency-Key returns the existing link."""
        operation = operation_of(key, node_id, options) if key else None
        known = await self._made_by(principal, operation)
        if known is not None:
            return known
        self._check_end(options.expires_at)
        _check_watermark(options.watermark, options.max_downloads)
        _check_kind(options)
        place = await self._owned(principal, node_id)
        if options.kind == "receive" and not place.node.is_folder:
            raise NotAFolder("Only a folder can receive files.")
        password_hash = None if options.password is None else await self._hash(principal, options.password)
        token = new_token()
        link_id = new_id()
        link = Link(
            id=link_id,
            token_hash=hash_of(token, options.kind),
            node_id=node_id,
            owner_id=principal.account_id,
            name=options.name,
            created_at=self.clock(),
            expires_at=options.expires_at,
            max_downloads=options.max_downloads,
            watermark=options.watermark,
            embed=options.embed,
            kind=options.kind,
            message=options.message,
            max_files=options.max_files,
            max_bytes=options.max_bytes,
            password_hash=password_hash,
            encrypted_token=self.cipher.encrypt(token.encode(), link_id),
            operation=operation,
        )

        async def work(transaction: Transaction) -> None:
            place = await self._owned(principal, node_id, transaction)
            # Concurrent calls write the same node, which enforces the limit and that the node still exists.
            await self.store.nodes.bump([node_id], transaction.session)
            if await self.store.links.count(node_id, transaction.session) >= MAX_LINKS:
                raise Conflict(f"A file or folder can have {MAX_LINKS} links.", code="too_many_links")
            await self.store.links.insert(link, transaction.session)
            publish_link_event(LinkCreated, link, place, transaction)

        try:
            await self.transactor.run(work)
        except DuplicateKeyError:
            known = await self._made_by(principal, operation)
            if known is None:
                raise
            return known
        return link, token

    async def _made_by(self, principal: Principal, operation: str | None) -> tuple[Link, str] | None:
        """The link that an earlier attempt of this call has made, if it still exists and its URL can be shown."""
        link = await self.store.links.by_operation(principal.account_id, operation) if operation else None
        token = self._token_of(link) if link else None
        return (link, token) if link and token else None

    def url_of(self, link: Link) -> str | None:
        """The link's URL, for its owner; None if only the token's hash was stored."""
        token = self._token_of(link)
        return None if token is None else f"{self.public_url.rstrip('/')}/l/{token}"

    def _token_of(self, link: Link) -> str | None:
        if link.encrypted_token is None:
            return None
        token = self.cipher.decrypt(link.encrypted_token, link.id)
        return token.decode() if token is not None else None

    async def page(self, principal: Principal, node_id: str, after: str, limit: int) -> Sequence[Link]:
        """The links of a file or folder, the earliest first, recently expired ones included."""
        await self._owned(principal, node_id)
        return await self.store.links.page_of_node(node_id, after, limit)

    async def get(self, principal: Principal, node_id: str, link_id: str) -> Link:
        await self._owned(principal, node_id)
        return _known(await self.store.links.get(node_id, link_id))

    async def change(self, principal: Principal, node_id: str, link_id: str, changes: Mapping[str, Any]) -> Link:
        """Change name, password, expires_at, max_downloads or watermark; None removes one of the last four.

        An expired link opens again if its new limits allow it. Publishes no event.
        """
        self._check_end(changes.get("expires_at"))
        fields = dict(changes)
        await self.get(principal, node_id, link_id)
        if fields.get("password") is not None:
            fields["password"] = await self._hash(principal, fields["password"])

        async def work(transaction: Transaction) -> Link:
            await self._owned(principal, node_id, transaction)
            link = _known(await self.store.links.get(node_id, link_id, transaction.session))
            now = {name: getattr(link, name) for name in LIMITS} | fields
            _check_watermark(now["watermark"], now["max_downloads"])
            _check_kind(LinkOptions(kind=link.kind, **{name: now[name] for name in LIMITS}))
            return _known(await self.store.links.change(link, fields, self.clock(), transaction.session))

        return await self.transactor.run(work)

    async def revoke(self, principal: Principal, node_id: str, link_id: str) -> None:
        async def work(transaction: Transaction) -> None:
            place = await self._owned(principal, node_id, transaction)
            link = _known(await self.store.links.get(node_id, link_id, transaction.session))
            await self.store.links.remove([link], transaction.session)
            publish_link_event(LinkRevoked, _next(link), place, transaction)

        await self.transactor.run(work)

    async def _hash(self, principal: Principal, password: str) -> str:
        return await self.passwords.hash(password, Requester.account(principal.account_id))

    async def _owned(self, principal: Principal, node_id: str, transaction: Transaction | None = None) -> Place:
        session = transaction.session if transaction else None
        place = authorize(principal, await self.tree.place(node_id, session), Action.SHARE)
        if place.node.is_root:
            raise NotShareable
        return place

    def _check_end(self, expires_at: datetime | None) -> None:
        now = self.clock()
        if expires_at is not None and not now < expires_at < now + timedelta(days=366 * MAX_LINK_YEARS):
            raise invalid(f"expires_at is a moment to come, within {MAX_LINK_YEARS} years.", "invalid_expires_at")


def publish_link_event(
    event: type[LinkCreated | LinkOpened | LinkExpiring | LinkRevoked],
    link: Link,
    place: Place,
    transaction: Transaction,
    **fields: int,
) -> None:
    """Publish an event with the link's current state."""
    transaction.publish(
        event(
            revision=link.revision,
            link_id=link.id,
            file_id=place.node.id,
            file_name=place.node.name,
            owner_id=link.owner_id,
            expires_at=link.expires_at,
            ancestors=place.ancestor_ids,
            **fields,
        )
    )


async def end_links(store: Store, places: Sequence[Place], transaction: Transaction) -> None:
    """Revoke the links of deleted files and folders."""
    by_id = {place.node.id: place for place in places}
    await _end(store, await store.links.of_nodes(by_id, transaction.session), by_id, transaction)


async def end_links_of(store: Store, tree: Tree, owner_id: str, before: datetime, transaction: Transaction) -> bool:
    """Revoke some of the links that an account made before a moment; whether there may be more."""
    links = await store.links.made_by(owner_id, before, AT_ONCE, transaction.session)
    places = await tree.places((link.node_id for link in links), transaction.session)
    await _end(store, links, places, transaction)
    return len(links) == AT_ONCE


async def _end(store: Store, links: Sequence[Link], places: Mapping[str, Place], transaction: Transaction) -> None:
    if not links:
        return
    for link in links:
        publish_link_event(LinkRevoked, _next(link), places[link.node_id], transaction)
    await store.links.remove(links, transaction.session)


def _check_watermark(watermark: str | None, max_downloads: int | None) -> None:
    if watermark is not None and max_downloads is not None:
        detail = "A link with a watermark gives no downloads that could be limited."
        raise invalid(detail, "watermark_without_downloads")


def _check_kind(options: LinkOptions) -> None:
    """A link that receives gives nothing that could be limited or marked, and one that only reads receives nothing."""
    given = {name for name in LIMITS if getattr(options, name) not in (None, "", False)}
    if not given <= OPTIONS[options.kind]:
        names = ", ".join(sorted(given - OPTIONS[options.kind]))
        raise invalid(f"A link of the kind {options.kind} has no {names}.", "not_for_this_kind")


def _next(link: Link) -> Link:
    return replace(link, revision=link.revision + 1)


def _known(link: Link | None) -> Link:
    if link is None:
        raise NotFound("link")
    return link
