"""Sharing files and folders with people: by their e-mail address, whether or not it is anybody's."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.errors import NotFound, NotShareable, ShareWithSelf, TooManyInvitations, TooManyShares
from docstore_metadata.sharing.acceptance.service import admit, admitted
from docstore_metadata.sharing.changes import ShareChanges, publish_revoked, publish_shared
from docstore_metadata.sharing.rules import MAX_INVITATIONS, MAX_SHARES, Share, clean_email, email_key
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Place, ShareRole
from docstore_platform.clock import Clock, utc_now
from docstore_platform.database import DatabaseError, is_duplicate
from docstore_platform.errors import DomainError
from docstore_platform.ids import new_id
from docstore_platform.tokens import Principal

FILLED_FROM_PAGES = 5
"""A page of what is shared with one is filled from so many pages of shares: some may be in their owner's trash."""


@dataclass(frozen=True, slots=True)
class SharedPlace:
    share: Share
    place: Place


class ShareService:
    """The use cases; each change is one transaction."""

    def __init__(
        self,
        store: Store,
        tree: Tree,
        transactor: Transactor,
        sharing: ShareChanges,
        ask_for: Callable[[Iterable[str]], None],
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._ask_for = ask_for
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._sharing = sharing
        self._clock = clock

    async def share(self, principal: Principal, node_id: str, email: str, role: ShareRole) -> tuple[Share, bool]:
        """The share with that person, and whether it is new; one that exists gets the role."""
        email = clean_email(email)
        key = email_key(email)

        async def work(transaction: Transaction) -> tuple[Share, bool]:
            place = await self._owned(principal, node_id, transaction)
            if place.node.is_root:
                raise NotShareable("All you have can't be shared: share a folder in it.")
            recipient = await self._store.people.recipient(key, transaction.session)
            if recipient.account_id == place.node.owner_id:
                raise ShareWithSelf("It is yours already.")
            if recipient.account_id and recipient.verified is None:
                self._ask_for([recipient.account_id])
            shares = await self._store.shares.of_nodes([node_id], transaction.session)
            known = next((share for share in shares if share.email_key == key), None)
            if known is not None:
                changed = await self._admitted(replace(known, role=role), recipient.entitled, transaction)
                return await self._save(place, shares, known, changed, principal, transaction), False
            if len(shares) >= MAX_SHARES:
                raise TooManyShares(f"A file or folder can be shared with {MAX_SHARES} people.")
            await self._count_invitation(place.node.owner_id, transaction)
            new = Share(
                id=new_id(),
                node_id=node_id,
                owner_id=place.node.owner_id,
                email=email,
                email_key=key,
                account_id=None,
                role=role,
                created_at=self._clock(),
            )
            new = await self._admitted(new, recipient.entitled, transaction)
            await self._store.shares.insert(new, transaction.session)
            publish_shared(new, place, principal.account_id, transaction)
            await self._sharing.apply(place, [*shares, new], principal.account_id, transaction)
            return new, True

        try:
            return await self._transactor.run(work, lane=principal.account_id)
        except DatabaseError as error:
            if not is_duplicate(error):
                raise
            return await self._transactor.run(work, lane=principal.account_id)

    async def _admitted(self, share: Share, account_id: str | None, transaction: Transaction) -> Share:
        """As it is for the account of its address; one that the account has stays."""
        if account_id is None or share.account_id is not None:
            return share
        return admitted(share, account_id, await admit(self._store, account_id, share.owner_id, transaction))

    async def _count_invitation(self, owner_id: str, transaction: Transaction) -> None:
        count = await self._store.shares.count_invitation(owner_id, transaction.session)
        if count.number > MAX_INVITATIONS:
            wait = max(1, round(count.left.total_seconds()))
            detail = f"At most {MAX_INVITATIONS} shares can be made in a day."
            raise TooManyInvitations(detail, retry_after=wait)

    async def change_role(self, principal: Principal, node_id: str, share_id: str, role: ShareRole) -> Share:
        async def work(transaction: Transaction) -> Share:
            place = await self._owned(principal, node_id, transaction)
            shares = await self._store.shares.of_nodes([node_id], transaction.session)
            share = _find(shares, share_id)
            return await self._save(place, shares, share, replace(share, role=role), principal, transaction)

        return await self._transactor.run(work, lane=principal.account_id)

    async def revoke(self, principal: Principal, node_id: str, share_id: str) -> None:
        """The owner takes a share back, or who it is with gives it up."""

        async def work(transaction: Transaction) -> None:
            session = transaction.session
            place = authorize(principal.account_id, await self._tree.place(node_id, session), Action.READ)
            shares = await self._store.shares.of_nodes([node_id], session)
            mine = next((share for share in shares if share.id == share_id), None)
            if mine is None or mine.account_id != principal.account_id:
                authorize(principal.account_id, place, Action.SHARE)
            share = _find(shares, share_id)
            await self._serialize(place, transaction)
            await self._store.shares.remove([share], session)
            publish_revoked(share, place, principal.account_id, transaction)
            if share.account_id == principal.account_id:
                await self._store.decisions.note_standing(share.account_id, share.owner_id, "declined", session)
            left = [other for other in shares if other.id != share_id]
            await self._sharing.apply(place, left, principal.account_id, transaction)

        await self._transactor.run(work, lane=principal.account_id)

    async def page(self, principal: Principal, node_id: str, after: str, limit: int) -> list[Share]:
        """Whom the owner has shared it with, the earliest first."""
        authorize(principal.account_id, await self._tree.place(node_id), Action.SHARE)
        return await self._store.shares.page_of_node(node_id, after, limit)

    async def shared_with(
        self, account_id: str, before: str | None, limit: int
    ) -> tuple[Sequence[SharedPlace], str | None]:
        """What is shared with an account and not in its owner's trash, the latest first; where the next page begins."""
        found: list[SharedPlace] = []
        for _ in range(FILLED_FROM_PAGES):
            wanted = limit - len(found)
            shares = await self._store.shares.page_of_reader(account_id, before, wanted)
            places = await self._tree.places(share.node_id for share in shares)
            for share in shares:
                try:
                    place = authorize(account_id, places.get(share.node_id), Action.READ)
                except DomainError:
                    continue
                found.append(SharedPlace(share, place))
            if len(shares) < wanted:
                return found, None
            before = shares[-1].id
            if len(found) == limit:
                break
        return found, before

    async def _owned(self, principal: Principal, node_id: str, transaction: Transaction) -> Place:
        place = await self._tree.place(node_id, transaction.session)
        place = authorize(principal.account_id, place, Action.SHARE)
        if not place.node.is_root:
            await self._serialize(place, transaction)
        return place

    async def _serialize(self, place: Place, transaction: Transaction) -> None:
        """Changes of shares in one folder come one after the other: they change what its listing shows."""
        assert place.node.parent_id is not None
        await self._store.nodes.bump([place.node.parent_id], transaction.session)

    async def _save(
        self,
        place: Place,
        shares: Sequence[Share],
        share: Share,
        changed: Share,
        principal: Principal,
        transaction: Transaction,
    ) -> Share:
        if changed == share:
            return share
        changed = replace(changed, revision=share.revision + 1)
        await self._store.shares.save([changed], transaction.session)
        publish_shared(changed, place, principal.account_id, transaction)
        now = [changed if other.id == share.id else other for other in shares]
        await self._sharing.apply(place, now, principal.account_id, transaction)
        return changed


def _find(shares: Sequence[Share], share_id: str) -> Share:
    found = next((share for share in shares if share.id == share_id), None)
    if found is None:
        raise NotFound("share")
    return found
