"""Use cases of sharing files and folders with people, by e-mail addresses with or without an account."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docstore_events.transaction import Transaction
from docstore_metadata.errors import NotFound, NotShareable
from docstore_metadata.people.rules import clean_email, email_key
from docstore_metadata.sharing.acceptance.admission import admit, admitted
from docstore_metadata.sharing.changes import apply_shares, bump_parent, publish_revoked, publish_shared
from docstore_metadata.sharing.rules import MAX_INVITATIONS, MAX_SHARES, Share, SharedPlace
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.access import AccountReader, Action, authorize
from docstore_metadata.tree.places import Place
from docstore_platform.errors import Conflict, DomainError, Invalid, TooMany
from docstore_platform.ids import new_id
from docstore_platform.security.tokens import Principal

FILLED_FROM_PAGES = 5
"""A page of shared files is filled from up to so many pages of shares: some may be in their owner's trash."""


@dataclass(slots=True)
class ShareService(UseCases):
    """Each change is one transaction. `look_up` fetches accounts from the accounts service in the background."""

    look_up: Callable[[Iterable[str]], None]

    async def share(
        self, principal: Principal, node_id: str, email: str, terms: Mapping[str, Any]
    ) -> tuple[Share, bool]:
        """The share with that person, and whether it is new; an existing one gets the role and watermark in `terms`."""
        email = clean_email(email)
        key = email_key(email)

        async def work(transaction: Transaction) -> tuple[Share, bool]:
            place = await self._owned(principal, node_id, transaction)
            if place.node.is_root:
                raise NotShareable
            recipient = await self.store.people.recipient(key, transaction.session)
            if recipient.account_id == place.node.owner_id:
                raise Invalid("It is yours already.", code="share_with_self")
            if recipient.account_id and recipient.verified is None:
                self.look_up([recipient.account_id])
            shares = await self.store.shares.of_nodes([node_id], transaction.session)
            known = next((share for share in shares if share.email_key == key), None)
            if known is not None:
                changed = await self._admitted(_changed(known, terms), recipient.entitled, transaction)
                return await self._save(place, shares, known, changed, principal, transaction), False
            if len(shares) >= MAX_SHARES:
                raise Conflict(f"A file or folder can be shared with {MAX_SHARES} people.", code="too_many_shares")
            await self._count_invitation(place.node.owner_id, transaction)
            new = Share(
                id=new_id(),
                node_id=node_id,
                owner_id=place.node.owner_id,
                email=email,
                email_key=key,
                role="viewer",
                created_at=self.clock(),
            )
            new = await self._admitted(_changed(new, terms), recipient.entitled, transaction)
            await self.store.shares.insert(new, transaction.session)
            publish_shared(new, place, principal.account_id, transaction)
            await apply_shares(self.store, place, [*shares, new], principal.account_id, transaction)
            return new, True

        return await self.run_again_if_duplicate(work, lane=principal.account_id)

    async def _admitted(self, share: Share, account_id: str | None, transaction: Transaction) -> Share:
        """The share, assigned to the account of its address unless it is already."""
        if account_id is None or share.account_id is not None:
            return share
        return admitted(share, account_id, await admit(self.store, account_id, share.owner_id, transaction))

    async def _count_invitation(self, owner_id: str, transaction: Transaction) -> None:
        count = await self.store.shares.count_invitation(owner_id, transaction.session)
        if count.number > MAX_INVITATIONS:
            wait = max(1, round(count.left.total_seconds()))
            detail = f"At most {MAX_INVITATIONS} shares can be made in a day."
            raise TooMany(detail, code="too_many_invitations", retry_after=wait)

    async def change(self, principal: Principal, node_id: str, share_id: str, terms: Mapping[str, Any]) -> Share:
        """Change the role or the watermark; those that `terms` lacks stay."""

        async def work(transaction: Transaction) -> Share:
            place = await self._owned(principal, node_id, transaction)
            shares = await self.store.shares.of_nodes([node_id], transaction.session)
            share = _find(shares, share_id)
            return await self._save(place, shares, share, _changed(share, terms), principal, transaction)

        return await self.transactor.run(work, lane=principal.account_id)

    async def revoke(self, principal: Principal, node_id: str, share_id: str) -> None:
        """End a share: the owner revokes it, or its recipient leaves it."""
        account_id = principal.account_id

        async def work(transaction: Transaction) -> None:
            session = transaction.session
            place = authorize(principal, await self.tree.place(node_id, session), Action.READ)
            shares = await self.store.shares.of_nodes([node_id], session)
            mine = next((share for share in shares if share.id == share_id), None)
            if mine is None or mine.account_id != account_id:
                authorize(principal, place, Action.SHARE)
            share = _find(shares, share_id)
            await bump_parent(self.store, place, transaction)
            await self.store.shares.remove([share], session)
            publish_revoked(share, place, account_id, transaction)
            if share.account_id == account_id:
                await self.store.decisions.save_standing(account_id, share.owner_id, "declined", session)
            left = [other for other in shares if other.id != share_id]
            await apply_shares(self.store, place, left, account_id, transaction)

        await self.transactor.run(work, lane=account_id)

    async def page(self, principal: Principal, node_id: str, after: str, limit: int) -> list[Share]:
        """The shares of a file or folder, for its owner, the earliest first."""
        authorize(principal, await self.tree.place(node_id), Action.SHARE)
        return await self.store.shares.page_of_node(node_id, after, limit)

    async def shared_with(
        self, account_id: str, before: str | None, limit: int
    ) -> tuple[Sequence[SharedPlace], str | None]:
        """Shares with an account, without those in an owner's trash, the latest first; the cursor of the next page."""
        found: list[SharedPlace] = []
        for _ in range(FILLED_FROM_PAGES):
            wanted = limit - len(found)
            shares = await self.store.shares.page_of_reader(account_id, before, wanted)
            places = await self.tree.places(share.node_id for share in shares)
            for share in shares:
                try:
                    place = authorize(AccountReader(account_id), places.get(share.node_id), Action.READ)
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
        place = await self.tree.place(node_id, transaction.session)
        place = authorize(principal, place, Action.SHARE)
        if not place.node.is_root:
            await bump_parent(self.store, place, transaction)
        return place

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
        await self.store.shares.save([changed], transaction.session)
        publish_shared(changed, place, principal.account_id, transaction)
        now = [changed if other.id == share.id else other for other in shares]
        await apply_shares(self.store, place, now, principal.account_id, transaction)
        return changed


def _changed(share: Share, terms: Mapping[str, Any]) -> Share:
    changed = replace(share, **terms)
    if changed.watermark is not None and changed.role != "viewer":
        raise Invalid("Only viewers can have a watermark: editors need the content.", code="watermark_for_viewers")
    return changed


def _find(shares: Sequence[Share], share_id: str) -> Share:
    found = next((share for share in shares if share.id == share_id), None)
    if found is None:
        raise NotFound("share")
    return found
