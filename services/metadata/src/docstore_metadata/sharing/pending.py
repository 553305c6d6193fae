"""Grants shares with an e-mail address to the account that has proven it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from docstore_events.transaction import Transaction
from docstore_metadata.people.repository import Person
from docstore_metadata.sharing.acceptance.admission import admit, admitted
from docstore_metadata.sharing.acceptance.rules import Admission
from docstore_metadata.sharing.changes import apply_many, publish_shared
from docstore_metadata.sharing.rules import Share
from docstore_metadata.storage import Store
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.places import Place
from docstore_platform.clock import Clock, utc_now

AT_ONCE = 100
"""Shares granted in one transaction."""


class PendingShares:
    """Grants some pending shares at once, and very many by a job in the background."""

    def __init__(self, store: Store, tree: Tree, clock: Clock = utc_now) -> None:
        self._store = store
        self._tree = tree
        self._clock = clock

    async def register(self, people: Mapping[str, Person], transaction: Transaction) -> None:
        """Store whose these addresses are, and grant the pending shares of the proven ones."""
        session = transaction.session
        await self._store.people.save_people(people, session)
        proven = {key: person for key, person in people.items() if person.verified}
        pending = await self._store.shares.pending(list(proven), AT_ONCE + 1, session) if proven else []
        await self._grant(pending[:AT_ONCE], transaction)
        if len(pending) > AT_ONCE:
            for person in proven.values():
                root = root_node(person.account_id, self._clock())
                await self._store.jobs.add("grant", root, person.account_id, transaction)

    async def grant_more(self, account_id: str, transaction: Transaction) -> bool:
        """Grant some more pending shares of an account; whether there may be more."""
        key = await self._store.people.proven_address_of(account_id, transaction.session)
        pending = await self._store.shares.pending([key], AT_ONCE, transaction.session) if key else []
        await self._grant(pending, transaction)
        return len(pending) == AT_ONCE

    async def _grant(self, pending: Sequence[Share], transaction: Transaction) -> None:
        if not pending:
            return
        session = transaction.session
        accounts = await self._store.people.accounts_of({share.email_key for share in pending}, session)
        decisions: dict[tuple[str, str], Admission] = {}
        granted: list[Share] = []
        for share in pending:
            account_id = accounts.get(share.email_key)
            if account_id is not None:
                between = (account_id, share.owner_id)
                if between not in decisions:
                    await self._store.decisions.touch_sender(*between, session)
                    decisions[between] = await admit(self._store, *between, transaction)
                granted.append(replace(admitted(share, account_id, decisions[between]), revision=share.revision + 1))
        await self._store.shares.save(granted, session)

        def publish(share: Share, place: Place) -> None:
            publish_shared(share, place, share.owner_id, transaction)

        await apply_many(self._store, self._tree, granted, publish, None, transaction)
