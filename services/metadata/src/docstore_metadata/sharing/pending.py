"""Gives those who prove their e-mail address what was shared with it before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from docstore_events.transaction import Transaction
from docstore_metadata.jobs.repository import Jobs
from docstore_metadata.people.repository import Person
from docstore_metadata.sharing.acceptance.rules import Admission
from docstore_metadata.sharing.acceptance.service import admit, admitted
from docstore_metadata.sharing.changes import ShareChanges, publish_shared
from docstore_metadata.sharing.rules import Share
from docstore_metadata.storage import Store
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.lookup import Tree
from docstore_platform.clock import Clock, utc_now

AT_ONCE = 100
"""Shares granted in one transaction."""


class PendingShares:
    """Waiting shares become what they were meant to be: some at once, very many by a job in the background."""

    def __init__(self, store: Store, tree: Tree, sharing: ShareChanges, jobs: Jobs, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._tree = tree
        self._sharing = sharing
        self._jobs = jobs
        self._clock = clock

    async def register(self, people: Mapping[str, Person], transaction: Transaction) -> None:
        """Note whose these addresses are, and grant what waits for those that are proven."""
        session = transaction.session
        await self._store.people.note_people(people, session)
        proven = {key: person for key, person in people.items() if person.verified}
        waiting = await self._store.shares.pending(list(proven), AT_ONCE + 1, session) if proven else []
        await self._grant(waiting[:AT_ONCE], transaction)
        if len(waiting) > AT_ONCE:
            now = self._clock()
            for person in proven.values():
                root = root_node(person.account_id, now)
                await self._jobs.add("grant", root, person.account_id, session)
            transaction.wake_after(self._jobs.wakeup_name)

    async def grant_more(self, account_id: str, transaction: Transaction) -> bool:
        """Grant some more of what waits for an account; whether there may be more."""
        key = await self._store.people.proven_address_of(account_id, transaction.session)
        waiting = await self._store.shares.pending([key], AT_ONCE, transaction.session) if key else []
        await self._grant(waiting, transaction)
        return len(waiting) == AT_ONCE

    async def _grant(self, waiting: Sequence[Share], transaction: Transaction) -> None:
        if not waiting:
            return
        session = transaction.session
        accounts = await self._store.people.accounts_of({share.email_key for share in waiting}, session)
        by_node: defaultdict[str, list[Share]] = defaultdict(list)
        decisions: dict[tuple[str, str], Admission] = {}
        for share in waiting:
            account_id = accounts.get(share.email_key)
            if account_id is not None:
                between = (account_id, share.owner_id)
                if between not in decisions:
                    await self._store.decisions.note_admission(*between, session)
                    decisions[between] = await admit(self._store, *between, transaction)
                granted_share = admitted(share, account_id, decisions[between])
                by_node[share.node_id].append(replace(granted_share, revision=share.revision + 1))
        granted = [share for shares in by_node.values() for share in shares]
        await self._store.shares.save(granted, session)
        all_shares: defaultdict[str, list[Share]] = defaultdict(list)
        for share in await self._store.shares.of_nodes(by_node, session):
            all_shares[share.node_id].append(share)
        for node_id, shares in by_node.items():
            place = await self._tree.place(node_id, session)
            assert place is not None
            assert place.node.parent_id is not None
            await self._store.nodes.bump([place.node.parent_id], session)
            for share in shares:
                publish_shared(share, place, share.owner_id, transaction)
            await self._sharing.apply(place, all_shares[node_id], place.node.owner_id, transaction)
