"""Public links, as the owner makes, changes and revokes them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict

from docstore_events.shares import LinkCreated, LinkExpiring, LinkOpened, LinkRevoked
from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.errors import NotFound, NotShareable, TooManyLinks
from docstore_metadata.links.rules import MAX_LINK_YEARS, MAX_LINKS, Link, hash_of, new_token
from docstore_metadata.links.token_cipher import TokenCipher
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Place
from docstore_platform.clock import Clock, utc_now
from docstore_platform.database import DuplicateKeyError
from docstore_platform.errors import invalid
from docstore_platform.fair_queue import Requester
from docstore_platform.ids import new_id
from docstore_platform.passwords import Passwords
from docstore_platform.tokens import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a new link is to be like; a password as the owner typed it."""

    name: str = ""
    password: str | None = None
    expires_at: datetime | None = None
    max_downloads: int | None = None


def operation_of(key: str, node_id: str, wish: Wish) -> str:
    """What the same call has in common with itself. The password is left out, so that none can be tried on it."""
    parts = (key, node_id, wish.name, wish.password is None, wish.expires_at, wish.max_downloads)
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


class _EventFields(TypedDict):
    revision: int
    link_id: str
    file_id: str
    file_name: str
    owner_id: str
    expires_at: datetime | None
    ancestors: tuple[str, ...]


class LinkService:
    """The use cases; each change is one transaction."""

    def __init__(
        self,
        store: Store,
        tree: Tree,
        transactor: Transactor,
        passwords: Passwords,
        cipher: TokenCipher,
        *,
        public_url: str,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._passwords = passwords
        self._cipher = cipher
        self._pages_url = public_url.rstrip("/") + "/l/"
        self._clock = clock

    async def make(self, principal: Principal, node_id: str, wish: Wish, key: str = "") -> tuple[Link, str]:
        """Make a link; the link and its token. With an Idempotency-Key, those of the same call made before."""
        operation = operation_of(key, node_id, wish) if key else None
        known = await self._made_by(principal, operation)
        if known is not None:
            return known
        self._check_end(wish.expires_at)
        await self._owned(principal, node_id)
        password_hash = None if wish.password is None else await self._hash(principal, wish.password)
        token = new_token()
        link_id = new_id()
        link = Link(
            id=link_id,
            token_hash=hash_of(token),
            node_id=node_id,
            owner_id=principal.account_id,
            name=wish.name,
            created_at=self._clock(),
            expires_at=wish.expires_at,
            max_downloads=wish.max_downloads,
            password_hash=password_hash,
            encrypted_token=self._cipher.encrypt(link_id, token),
            operation=operation,
        )

        async def work(transaction: Transaction) -> None:
            place = await self._owned(principal, node_id, transaction)
            # Of several at once each changes the node: so none passes the limit, and none is made for a node just gone.
            await self._store.nodes.bump([node_id], transaction.session)
            if await self._store.links.count(node_id, transaction.session) >= MAX_LINKS:
                raise TooManyLinks(f"A file or folder can have {MAX_LINKS} links.")
            await self._store.links.insert(link, transaction.session)
            publish_link_event("created", link, place, transaction)

        try:
            await self._transactor.run(work)
        except DuplicateKeyError:
            known = await self._made_by(principal, operation)
            if known is None:
                raise
            return known
        return link, token

    async def _made_by(self, principal: Principal, operation: str | None) -> tuple[Link, str] | None:
        """The link that an earlier try of this call has made, if it is still there and shown to its owner."""
        link = await self._store.links.by_operation(principal.account_id, operation) if operation else None
        token = self._token_of(link) if link else None
        return (link, token) if link and token else None

    def url_of(self, link: Link) -> str | None:
        """The link's address, for its owner; None where only the token's hash was kept."""
        token = self._token_of(link)
        return None if token is None else self._pages_url + token

    def _token_of(self, link: Link) -> str | None:
        return self._cipher.decrypt(link.id, link.encrypted_token)

    async def page(self, principal: Principal, node_id: str, after: str, limit: int) -> Sequence[Link]:
        """The links of a file or folder, the earliest first; those that have ended too, for a while."""
        await self._owned(principal, node_id)
        return await self._store.links.page_of_node(node_id, after, limit)

    async def get(self, principal: Principal, node_id: str, link_id: str) -> Link:
        await self._owned(principal, node_id)
        return _known(await self._store.links.get(node_id, link_id))

    async def change(self, principal: Principal, node_id: str, link_id: str, changes: Mapping[str, Any]) -> Link:
        """Set what is in `changes`: name, password, expires_at, max_downloads; None takes one of the last three away.

        One that had ended opens again if its new limits allow. Publishes no event.
        """
        self._check_end(changes.get("expires_at"))
        fields = dict(changes)
        await self.get(principal, node_id, link_id)
        if fields.get("password") is not None:
            fields["password"] = await self._hash(principal, fields["password"])

        async def work(transaction: Transaction) -> Link:
            await self._owned(principal, node_id, transaction)
            link = _known(await self._store.links.get(node_id, link_id, transaction.session))
            return _known(await self._store.links.change(link, fields, self._clock(), transaction.session))

        return await self._transactor.run(work)

    async def revoke(self, principal: Principal, node_id: str, link_id: str) -> None:
        async def work(transaction: Transaction) -> None:
            place = await self._owned(principal, node_id, transaction)
            link = _known(await self._store.links.get(node_id, link_id, transaction.session))
            await self._store.links.remove([link], transaction.session)
            publish_link_event("revoked", _next(link), place, transaction)

        await self._transactor.run(work)

    async def _hash(self, principal: Principal, password: str) -> str:
        return await self._passwords.hash(password, Requester.account(principal.account_id))

    async def _owned(self, principal: Principal, node_id: str, transaction: Transaction | None = None) -> Place:
        session = transaction.session if transaction else None
        place = authorize(principal.account_id, await self._tree.place(node_id, session), Action.SHARE)
        if place.node.is_root:
            raise NotShareable("All you have can't be shared: share a folder in it.")
        return place

    def _check_end(self, expires_at: datetime | None) -> None:
        now = self._clock()
        if expires_at is not None and not now < expires_at < now + timedelta(days=366 * MAX_LINK_YEARS):
            raise invalid(f"expires_at is a moment to come, within {MAX_LINK_YEARS} years.", "invalid_expires_at")


def publish_link_event(
    change: Literal["created", "opened", "expiring", "revoked"], link: Link, place: Place, transaction: Transaction
) -> None:
    """Say the event of a link as it stands."""
    about = _EventFields(
        revision=link.revision,
        link_id=link.id,
        file_id=place.node.id,
        file_name=place.node.name,
        owner_id=link.owner_id,
        expires_at=link.expires_at,
        ancestors=place.ancestor_ids,
    )
    match change:
        case "created":
            transaction.publish(LinkCreated(**about))
        case "opened":
            transaction.publish(LinkOpened(opens=link.opens, **about))
        case "expiring":
            transaction.publish(LinkExpiring(**about))
        case "revoked":
            transaction.publish(LinkRevoked(**about))


async def end_links(store: Store, places: Sequence[Place], transaction: Transaction) -> None:
    """Revoke the links of what is gone for good."""
    by_id = {place.node.id: place for place in places}
    links = await store.links.of_nodes(by_id, transaction.session)
    if not links:
        return
    for link in links:
        publish_link_event("revoked", _next(link), by_id[link.node_id], transaction)
    await store.links.remove(links, transaction.session)


def _next(link: Link) -> Link:
    return replace(link, revision=link.revision + 1)


def _known(link: Link | None) -> Link:
    if link is None:
        raise NotFound("link")
    return link
