"""Use cases of locks and properties: read, lock, renew, unlock, set and remove."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from docstore_contracts import annotations as contract
from docstore_events.transaction import Transaction
from docstore_metadata.annotations.rules import MAX_LOCKS_OF_ACCOUNT, Change, renewed, with_changes, with_lock
from docstore_metadata.errors import PreconditionFailed, TooLarge
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.access import AccountReader, Action, authorize
from docstore_metadata.tree.locks import Holder, covering
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Lock, Node
from docstore_platform.clock import rfc3339
from docstore_platform.errors import DomainError, Forbidden
from docstore_platform.mongodb.session import Session


class AnnotationService(UseCases):
    """Who may write to a file may lock it. Neither locks nor properties are part of a version or an ETag."""

    async def read(
        self, account_id: str, node_ids: Sequence[str], children_of: str | None
    ) -> dict[str, contract.Annotations]:
        """Annotations by id, of what the account may read: see `AnnotationsRequest`."""
        now, found = self.clock(), dict[str, contract.Annotations]()
        places = await self.tree.places([*node_ids, *([children_of] if children_of else [])])
        for node_id in node_ids:
            place = _readable(account_id, places.get(node_id))
            if place is not None:
                found[node_id] = _annotations(place, account_id, list(covering(place, now)))
        folder = _readable(account_id, places.get(children_of or ""))
        if folder is not None:
            for node in await self.store.annotated.children(folder.node.id):
                own = [lock for lock in node.locks if lock.expires_at > now]
                found[node.id] = _annotations(folder.child(node), account_id, own)
        return {node_id: each for node_id, each in found.items() if each["locks"] or each["properties"]}

    async def lock(self, request: contract.LockRequest) -> contract.Lock:
        """Take a lock; Locked if another one is in the way. A repeated request gets the lock that it has taken."""
        account_id = request["account_id"]

        async def work(transaction: Transaction) -> contract.Lock:
            session, now = transaction.session, self.clock()
            place = await self._writable(account_id, request["file_id"], session)
            deep = request["deep"] and place.node.is_folder
            expires_at = now + timedelta(seconds=request["seconds"])
            lock = Lock(request["token"], account_id, request["owner"], request["exclusive"], deep, expires_at)
            inside = await self._locks_inside(place, now, session) if deep else []
            place.node.locks = with_lock(place, lock, inside, now)
            if await self.store.annotated.locks_of(account_id, now, session) >= MAX_LOCKS_OF_ACCOUNT:
                raise TooLarge(f"An account can lock {MAX_LOCKS_OF_ACCOUNT} files at once.", code="too_many_locks")
            await self.store.nodes.save([(place.node, ("locks",))], session)
            return lock_json(lock, place, account_id)

        return await self.transactor.run(work, lane=account_id)

    async def refresh(self, account_id: str, node_id: str, tokens: Sequence[str], seconds: int) -> contract.Lock:
        """Renew the first of these locks that covers the node; PreconditionFailed if none does."""

        async def work(transaction: Transaction) -> contract.Lock:
            now = self.clock()
            place = await self._writable(account_id, node_id, transaction.session)
            holder = Holder(account_id, tokens, now)
            found = next((lock for lock in covering(place, now) if holder.holds(lock)), None)
            if found is None:
                raise PreconditionFailed("None of the locks that were named is in force.", code="no_such_lock")
            root = _root_of(place, found)
            root.node.locks = renewed(root.node.locks, found.token, now + timedelta(seconds=seconds))
            await self.store.nodes.save([(root.node, ("locks",))], transaction.session)
            [lock] = [each for each in root.node.locks if each.token == found.token]
            return lock_json(lock, root, account_id)

        return await self.transactor.run(work, lane=account_id)

    async def unlock(self, account_id: str, node_id: str, token: str) -> None:
        """Release a lock, if it is in force. Its account may, and the owner of what is locked."""

        async def work(transaction: Transaction) -> None:
            place = authorize(
                AccountReader(account_id), await self.tree.place(node_id, transaction.session), Action.READ
            )
            found = next((lock for lock in covering(place, self.clock()) if lock.token == token), None)
            if found is None:
                return
            if account_id not in (found.account_id, place.node.owner_id):
                raise Forbidden("It was locked by another person.", code="not_your_lock")
            root = _root_of(place, found).node
            root.locks = tuple(lock for lock in root.locks if lock.token != token)
            await self.store.nodes.save([(root, ("locks",))], transaction.session)

        await self.transactor.run(work, lane=account_id)

    async def change_properties(
        self, account_id: str, node_id: str, changes: Sequence[Change], lock_tokens: Sequence[str]
    ) -> None:
        """Set and remove properties, all or none; Locked, or TooLarge beyond the limits."""

        async def work(transaction: Transaction) -> None:
            place = await self._writable(account_id, node_id, transaction.session)
            Holder(account_id, lock_tokens, self.clock()).check(place)
            place.node.properties = with_changes(place.node.properties, changes)
            await self.store.nodes.save([(place.node, ("properties",))], transaction.session)

        await self.transactor.run(work, lane=account_id)

    async def _writable(self, account_id: str, node_id: str, session: Session) -> Place:
        return authorize(AccountReader(account_id), await self.tree.place(node_id, session), Action.WRITE)

    async def _locks_inside(self, folder: Place, now: datetime, session: Session) -> list[Lock]:
        nodes = await self.store.annotated.locked(folder.node.owner_id, now, session)
        places = await self.tree.places([node.id for node in nodes], session)
        inside = [place.node for place in places.values() if folder.node.id in place.ancestor_ids]
        return [lock for node in inside for lock in node.locks if lock.expires_at > now]


def _readable(account_id: str, place: Place | None) -> Place | None:
    try:
        return authorize(AccountReader(account_id), place, Action.READ)
    except DomainError:
        return None


def _root_of(place: Place, lock: Lock) -> Place:
    """What a lock that covers a place was taken on."""
    chain: tuple[Node, ...] = (*place.ancestors, place.node)
    depth = next(depth for depth, node in enumerate(chain) if lock in node.locks)
    return Place(chain[depth], chain[:depth])


def _annotations(place: Place, account_id: str, locks: Sequence[Lock]) -> contract.Annotations:
    return {
        "locks": [lock_json(lock, _root_of(place, lock), account_id) for lock in locks],
        "properties": [{"name": name, "xml": xml} for name, xml in place.node.properties],
    }


def lock_json(lock: Lock, root: Place, account_id: str) -> contract.Lock:
    """A lock as an account sees it: the path of a folder that it may not read is the root of what it can see."""
    path = root.as_seen_by(account_id).path if root.permission_of(account_id) else "/"
    return {
        "token": lock.token,
        "account_id": lock.account_id,
        "file_id": root.node.id,
        "path": path,
        "owner": lock.owner,
        "exclusive": lock.exclusive,
        "deep": lock.deep,
        "expires_at": rfc3339(lock.expires_at),
    }
