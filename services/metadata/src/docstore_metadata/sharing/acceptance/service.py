"""Use cases of recipients: accept and decline shares, require acceptance, and block people."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_events.transaction import Transaction
from docstore_metadata.errors import NotFound
from docstore_metadata.people.rules import clean_email, email_key
from docstore_metadata.sharing.acceptance.admission import admitted, decline, decline_all
from docstore_metadata.sharing.acceptance.rules import Block
from docstore_metadata.sharing.changes import apply_shares, bump_parent, publish_shared
from docstore_metadata.sharing.rules import Share, SharedPlace
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.documents import root_node
from docstore_platform.errors import Conflict, Invalid
from docstore_platform.mongodb.session import Session
from docstore_platform.security.tokens import Principal

MAX_BLOCKED = 1000


@dataclass(slots=True)
class ShareAcceptanceService(UseCases):
    """Each change is one transaction."""

    async def invitations(
        self, principal: Principal, before: str | None, limit: int
    ) -> tuple[Sequence[SharedPlace], str | None]:
        """Shares that wait to be accepted, the latest first, and the cursor of the next page.

        A page omits what is in its owner's trash.
        """
        shares = await self.store.shares.invitations(principal.account_id, before, limit + 1)
        page = shares[:limit]
        places = await self.tree.places(share.node_id for share in page)
        found = [
            SharedPlace(share, place)
            for share in page
            if (place := places.get(share.node_id)) is not None and place.is_reachable
        ]
        return found, page[-1].id if len(shares) > limit else None

    async def accept(self, principal: Principal, share_id: str) -> SharedPlace:
        """Accept a share; repeated, the result is the same."""
        account_id = principal.account_id

        async def work(transaction: Transaction) -> SharedPlace:
            session = transaction.session
            share = await self._received(account_id, share_id, session)
            place = await self.tree.place(share.node_id, session)
            if place is None or not place.is_reachable:
                raise NotFound("invitation")
            if share.account_id == account_id:
                return SharedPlace(share, place)
            await bump_parent(self.store, place, transaction)
            accepted = replace(admitted(share, account_id, "active"), revision=share.revision + 1)
            await self.store.shares.save([accepted], session)
            await self.store.decisions.save_standing(account_id, share.owner_id, "accepted", session)
            publish_shared(accepted, place, share.owner_id, transaction)
            shares = await self.store.shares.of_nodes([share.node_id], session)
            return SharedPlace(accepted, await apply_shares(self.store, place, shares, account_id, transaction))

        return await self.transactor.run(work, lane=account_id)

    async def decline(self, principal: Principal, share_id: str) -> None:
        """Remove a share that waits to be accepted."""
        account_id = principal.account_id

        async def work(transaction: Transaction) -> None:
            share = await self._received(account_id, share_id, transaction.session)
            if share.invited_id != account_id:
                raise NotFound("invitation")
            await self.store.decisions.save_standing(account_id, share.owner_id, "declined", transaction.session)
            await decline(self.store, self.tree, [share], account_id, transaction)

        await self.transactor.run(work, lane=account_id)

    async def _received(self, account_id: str, share_id: str, session: Session) -> Share:
        share = await self.store.shares.received(account_id, share_id, session)
        if share is None:
            raise NotFound("invitation")
        return share

    async def block(self, principal: Principal, person: str) -> Block:
        """Block a person: remove what they share with the account, and hide what they share later.

        `person` is an e-mail address, which need not have an account, or the id of an account that shares or has shared
        something with the caller. NotFound for any other id.
        """
        me = principal.account_id
        subject = _subject_of(person)

        async def work(transaction: Transaction) -> Block:
            session = transaction.session
            sender_id = await self._account_of(me, subject, session)
            if me in (sender_id, subject) or subject == await self.store.people.address_of(me, session):
                raise Invalid("You can't block yourself.", code="block_self")
            await self.store.people.touch_address_of(me, session)
            block = await self.store.decisions.block(Block(me, subject, sender_id, self.clock()), session)
            if await self.store.decisions.number_of_blocks(me, session) > MAX_BLOCKED:
                raise Conflict(f"At most {MAX_BLOCKED} people can be blocked.", code="too_many_blocked")
            if sender_id is not None:
                await self.store.decisions.save_standing(me, sender_id, "declined", session)
                if await decline_all(self.store, self.tree, me, sender_id, transaction):
                    await self.store.jobs.add("decline", root_node(me, self.clock()), sender_id, transaction)
            return block

        return await self.transactor.run(work, lane=me)

    async def _account_of(self, me: str, subject: str, session: Session) -> str | None:
        if "@" in subject:
            return await self.store.people.account_of(subject, session)
        if subject != me and not await self._has_met(me, subject, session):
            raise NotFound("person")
        return subject

    async def _has_met(self, me: str, other: str, session: Session) -> bool:
        """Whether the account knows the other by a share: of no others may it learn their existence or name."""
        shares = self.store.shares
        if await shares.are_acquainted(me, other, session) or await shares.between(me, other, 1, session):
            return True
        relation = await self.store.decisions.relation(me, other, None, session)
        return relation.blocked or relation.standing is not None

    async def unblock(self, principal: Principal, person: str) -> None:
        """Unblock a person: their next share waits to be accepted. What they shared meanwhile stays hidden."""
        me = principal.account_id
        subject = _subject_of(person)

        async def work(transaction: Transaction) -> None:
            session = transaction.session
            if not await self.store.decisions.unblock(me, subject, session):
                raise NotFound("blocked person")
            # An account that signed up with the address after it was blocked has no standing yet.
            sender_id = await self.store.people.account_of(subject, session) if "@" in subject else None
            if sender_id is not None:
                await self.store.decisions.save_standing(me, sender_id, "declined", session)

        await self.transactor.run(work, lane=me)


def _subject_of(person: str) -> str:
    return email_key(clean_email(person)) if "@" in person else person
