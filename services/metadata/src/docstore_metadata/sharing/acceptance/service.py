"""Lets recipients decide about shares: accept and decline them, be asked first, and block people."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.errors import BlockSelf, NotFound, TooManyBlocked
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.sharing.acceptance.rules import Acceptance, Admission, Block, admission
from docstore_metadata.sharing.changes import ShareChanges, publish_revoked, publish_shared
from docstore_metadata.sharing.rules import Share, clean_email, email_key
from docstore_metadata.storage import Store
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Place
from docstore_platform.clock import Clock, utc_now
from docstore_platform.database import Session
from docstore_platform.tokens import Principal

MAX_BLOCKED = 1000
AT_ONCE = 100
"""Shares removed in one transaction."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A share that waits to be accepted, and what it is of."""

    share: Share
    place: Place


async def admit(store: Store, recipient_id: str, sender_id: str, transaction: Transaction) -> Admission:
    """Decide what becomes of a share between them.

    The caller has written the document of the recipient's address or that of both, as `block` does: neither misses the
    other.
    """
    session = transaction.session
    address = await store.people.address_of(sender_id, session)
    relation = await store.decisions.relation(recipient_id, sender_id, address, session)
    acquainted = await store.shares.are_acquainted(recipient_id, sender_id, session)
    return admission(replace(relation, acquainted=acquainted))


def admitted(share: Share, account_id: str, decision: Admission) -> Share:
    """The share as it is for the account of its address."""
    return replace(
        share,
        account_id=account_id if decision == "active" else None,
        invited_id=account_id if decision == "invited" else None,
        hidden_from=account_id if decision == "hidden" else None,
    )


class ShareDecliner:
    """Removes shares that their recipient does not want: some at once, very many by a job in the background."""

    def __init__(self, store: Store, tree: Tree, sharing: ShareChanges) -> None:
        self._store = store
        self._tree = tree
        self._sharing = sharing

    async def decline_all(
        self, recipient_id: str, sender_id: str, transaction: Transaction, *, before: str | None = None
    ) -> bool:
        """Remove some of what the sender shares with the recipient; whether there is more.

        `before` is the id of the job that goes on with it: what was shared later came after an unblock, and stays.
        """
        session = transaction.session
        shares = await self._store.shares.between(recipient_id, sender_id, AT_ONCE + 1, session, before=before)
        await self.decline(shares[:AT_ONCE], recipient_id, transaction)
        return len(shares) > AT_ONCE

    async def decline(self, shares: Sequence[Share], recipient_id: str, transaction: Transaction) -> None:
        """Remove these shares, as who they are with."""
        session = transaction.session
        by_node: defaultdict[str, list[Share]] = defaultdict(list)
        for share in shares:
            by_node[share.node_id].append(share)
        await self._store.shares.remove(shares, session)
        left: defaultdict[str, list[Share]] = defaultdict(list)
        for share in await self._store.shares.of_nodes(by_node, session):
            left[share.node_id].append(share)
        for node_id, declined in by_node.items():
            place = await self._tree.place(node_id, session)
            assert place is not None
            assert place.node.parent_id is not None
            await self._store.nodes.bump([place.node.parent_id], session)
            for share in declined:
                publish_revoked(share, place, recipient_id, transaction)
            await self._sharing.apply(place, left[node_id], recipient_id, transaction)


class ShareAcceptanceService:
    """The use cases; each change is one transaction."""

    def __init__(
        self,
        store: Store,
        tree: Tree,
        transactor: Transactor,
        sharing: ShareChanges,
        declining: ShareDecliner,
        jobs: Jobs,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._tree = tree
        self._transactor = transactor
        self._sharing = sharing
        self._declining = declining
        self._jobs = jobs
        self._clock = clock

    async def acceptance(self, principal: Principal) -> Acceptance:
        return await self._store.decisions.acceptance(principal.account_id)

    async def choose_acceptance(self, principal: Principal, acceptance: Acceptance) -> None:
        """Decide about shares from now on; what is there stays."""
        await self._store.decisions.choose_acceptance(principal.account_id, acceptance)

    async def invitations(
        self, principal: Principal, before: str | None, limit: int
    ) -> tuple[Sequence[Invitation], str | None]:
        """Shares that wait to be accepted, the latest first, and where the next page begins.

        A page leaves out what is in its owner's trash.
        """
        shares = await self._store.shares.invitations(principal.account_id, before, limit + 1)
        page = shares[:limit]
        places = await self._tree.places(share.node_id for share in page)
        found = [
            Invitation(share, place)
            for share in page
            if (place := places.get(share.node_id)) is not None and place.is_reachable
        ]
        return found, page[-1].id if len(shares) > limit else None

    async def addresses_of(self, account_ids: Iterable[str]) -> Mapping[str, tuple[str, bool]]:
        """E-mail addresses by account, each with whether it is proven."""
        return await self._store.people.addresses_of(account_ids)

    async def accept(self, principal: Principal, share_id: str) -> tuple[Share, Place]:
        """Have what is shared; once more, the same answer."""
        account_id = principal.account_id

        async def work(transaction: Transaction) -> tuple[Share, Place]:
            session = transaction.session
            share = await self._received(account_id, share_id, transaction)
            place = await self._tree.place(share.node_id, session)
            if place is None or not place.is_reachable:
                raise NotFound("invitation")
            if share.account_id == account_id:
                return share, place
            assert place.node.parent_id is not None
            await self._store.nodes.bump([place.node.parent_id], session)
            accepted = replace(admitted(share, account_id, "active"), revision=share.revision + 1)
            await self._store.shares.save([accepted], session)
            await self._store.decisions.note_standing(account_id, share.owner_id, "accepted", session)
            publish_shared(accepted, place, share.owner_id, transaction)
            shares = await self._store.shares.of_nodes([share.node_id], session)
            return accepted, await self._sharing.apply(place, shares, account_id, transaction)

        return await self._transactor.run(work, lane=account_id)

    async def decline(self, principal: Principal, share_id: str) -> None:
        """Remove a share that waits to be accepted."""
        account_id = principal.account_id

        async def work(transaction: Transaction) -> None:
            share = await self._received(account_id, share_id, transaction)
            if share.invited_id != account_id:
                raise NotFound("invitation")
            await self._store.decisions.note_standing(account_id, share.owner_id, "declined", transaction.session)
            await self._declining.decline([share], account_id, transaction)

        await self._transactor.run(work, lane=account_id)

    async def _received(self, account_id: str, share_id: str, transaction: Transaction) -> Share:
        share = await self._store.shares.received(account_id, share_id, transaction.session)
        if share is None:
            raise NotFound("invitation")
        return share

    async def block(self, principal: Principal, person: str) -> Block:
        """Want nothing from a person: what they share with the account is removed, what they share later stays unseen.

        `person` is an e-mail address, which nobody needs to have, or the id of an account that shares or has shared
        something with the caller. NotFound for any other id.
        """
        me = principal.account_id
        subject = _subject_of(person)

        async def work(transaction: Transaction) -> Block:
            session = transaction.session
            sender_id = await self._account_of(me, subject, transaction)
            if me in (sender_id, subject) or subject == await self._store.people.address_of(me, session):
                raise BlockSelf("You can't block yourself.")
            await self._store.people.note_decision_of(me, session)
            block = await self._store.decisions.block(Block(me, subject, sender_id, self._clock()), session)
            if await self._store.decisions.number_of_blocks(me, session) > MAX_BLOCKED:
                raise TooManyBlocked(f"At most {MAX_BLOCKED} people can be blocked.")
            if sender_id is not None:
                await self._store.decisions.note_standing(me, sender_id, "declined", session)
                if await self._declining.decline_all(me, sender_id, transaction):
                    await self._jobs.add("decline", root_node(me, self._clock()), sender_id, session)
                    transaction.wake_after(self._jobs.wakeup_name)
            return block

        return await self._transactor.run(work, lane=me)

    async def _account_of(self, me: str, subject: str, transaction: Transaction) -> str | None:
        if "@" in subject:
            return await self._store.people.account_of(subject, transaction.session)
        if subject != me and not await self._has_met(me, subject, transaction.session):
            raise NotFound("person")
        return subject

    async def _has_met(self, me: str, other: str, session: Session) -> bool:
        """Whether the account knows of the other by a share: of nobody else may it learn that they exist, or a name."""
        shares = self._store.shares
        if await shares.are_acquainted(me, other, session) or await shares.between(me, other, 1, session):
            return True
        relation = await self._store.decisions.relation(me, other, None, session)
        return relation.blocked or relation.standing is not None

    async def unblock(self, principal: Principal, person: str) -> None:
        """Let a person share again; the next share waits to be accepted. What they shared meanwhile stays unseen."""
        me = principal.account_id
        subject = _subject_of(person)

        async def work(transaction: Transaction) -> None:
            session = transaction.session
            if not await self._store.decisions.unblock(me, subject, session):
                raise NotFound("blocked person")
            # Whoever signed up with the address after it was blocked has no standing yet.
            sender_id = await self._store.people.account_of(subject, session) if "@" in subject else None
            if sender_id is not None:
                await self._store.decisions.note_standing(me, sender_id, "declined", session)

        await self._transactor.run(work, lane=me)

    async def blocked(self, principal: Principal, after: str, limit: int) -> Sequence[Block]:
        return await self._store.decisions.blocks(principal.account_id, after, limit)


def _subject_of(person: str) -> str:
    return email_key(clean_email(person)) if "@" in person else person
