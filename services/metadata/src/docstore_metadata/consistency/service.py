"""Checks page by page whether what metadata stores fits together, and repairs it where told to.

Pages come from a secondary. What looks wrong there is looked at again, in the primary, before it is reported: people
work meanwhile.
"""

import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from docstore_contents.reader import ContentDamaged, Contents, is_whole, pack_of
from docstore_contents.s3.store import ObjectNotFound, ObjectStore, ObjectStoreError, ObjectStoreUnavailable
from docstore_contracts.consistency import CheckName, CheckPage, CheckRequest, page_of
from docstore_contracts.inconsistency import Inconsistency
from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.consistency.repository import ConsistencyRepairs, StoredPages
from docstore_metadata.consistency.rules import node_inconsistencies, object_inconsistency, version_name
from docstore_metadata.sharing.changes import apply_shares, bump_parent
from docstore_metadata.sharing.rules import Share
from docstore_metadata.storage import Store
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node, Version
from docstore_metadata.versions.documents import version_id
from docstore_platform.clock import Clock, utc_now
from docstore_platform.consistency import Check

MAX_READ_BYTES = 256 << 20
"""A larger content is not read: one call has to end."""
PAGE_READ_BYTES = 64 << 20
"""A page ends after the content with which it has read so much."""
ARCHIVED = "InvalidObjectState"


@dataclass(slots=True)
class TreeConsistency:
    """`reads`, `pages`: the same data, from a secondary."""

    store: Store
    repairs: ConsistencyRepairs
    reads: Store
    pages: StoredPages
    primary: StoredPages
    tree: Tree
    transactor: Transactor
    objects: ObjectStore
    contents: Contents
    clock: Clock = utc_now

    def checks(self) -> dict[CheckName, Check]:
        """Return its checks by name."""
        return {"journals": self.journals, "files": self.files, "versions": self.versions, "shares": self.shares}

    # --- files and folders -------------------------------------------------------------------------------

    async def files(self, request: CheckRequest) -> CheckPage:
        """Files and folders against the folders they are in, their current versions and their shares."""
        nodes = await self.reads.nodes.all_after(request["after"], request["limit"], None)
        wrong = await self._of_nodes(self.reads, nodes)
        if wrong:
            again = await self.store.nodes.by_ids({each.id for each in wrong})
            wrong = await self._of_nodes(self.store, again)
        if request["repair"]:
            for each in wrong:
                if each.kind == "shares_not_applied":
                    await self.transactor.run(self._applying(each.id))
        return page_of(request, [node.id for node in nodes], wrong)

    async def _of_nodes(self, store: Store, nodes: Sequence[Node]) -> list[Inconsistency]:
        parents = {node.id: node for node in await store.nodes.by_ids({node.parent_id or "" for node in nodes})}
        current = await store.versions.by_id([version_id(node.id, node.version) for node in nodes if node.version])
        shares: defaultdict[str, list[Share]] = defaultdict(list)
        for share in await store.shares.of_nodes([node.id for node in nodes]):
            shares[share.node_id].append(share)
        return [
            problem
            for node in nodes
            for problem in node_inconsistencies(
                node,
                parents.get(node.parent_id or ""),
                current.get(version_id(node.id, node.version)),
                shares[node.id],
            )
        ]

    def _applying(self, node_id: str) -> Callable[[Transaction], Awaitable[None]]:
        """Apply the shares of a node again, as its owner; readers and journals follow."""

        async def work(transaction: Transaction) -> None:
            place = await self.tree.place(node_id, transaction.session)
            if place is not None:
                await bump_parent(self.store, place, transaction)
                shares = await self.store.shares.of_nodes([node_id], transaction.session)
                await apply_shares(self.store, place, shares, place.node.owner_id, transaction)

        return work

    # --- shares ------------------------------------------------------------------------------------------

    async def shares(self, request: CheckRequest) -> CheckPage:
        """Shares against the files and folders that they are about."""
        shares = await self.pages.shares(request["after"], request["limit"])
        lost = await self._without_node(shares)
        wrong = [
            Inconsistency("file_missing", share.id, share.owner_id, f"{share.node_id} does not exist", repairable=True)
            for share in lost
        ]
        if request["repair"] and lost:
            await self.transactor.run(lambda transaction: self.store.shares.remove(lost, transaction.session))
        return page_of(request, [share.id for share in shares], wrong)

    async def _without_node(self, shares: Sequence[Share]) -> list[Share]:
        there = {node.id for node in await self.reads.nodes.by_ids({share.node_id for share in shares})}
        lost = {share.node_id for share in shares} - there
        if not lost:
            return []
        lost -= {node.id for node in await self.store.nodes.by_ids(lost)}
        return [share for share in await self.store.shares.of_nodes(lost) if share in shares]

    # --- journals ----------------------------------------------------------------------------------------

    async def journals(self, request: CheckRequest) -> CheckPage:
        """The number that each journal has reached against its last entry: two changes must not get the same."""
        counted = await self.pages.journals(request["after"], request["limit"])
        last = await self.pages.last_entries(list(counted))
        behind = {account: number for account, number in last.items() if number > counted[account]}
        if behind:  # entry and number are written together: a page read in between is older than its entries
            last = await self.primary.last_entries(list(behind))
            counted_now = await self.primary.journals_of(list(behind))
            behind = {account: number for account, number in last.items() if number > counted_now.get(account, 0)}
        if request["repair"]:
            await self.repairs.raise_journals(behind)
        wrong = [
            Inconsistency("journal_behind", account, account, f"its last entry is {number}", repairable=True)
            for account, number in behind.items()
        ]
        return page_of(request, list(counted), wrong)

    # --- versions ----------------------------------------------------------------------------------------

    async def versions(self, request: CheckRequest) -> CheckPage:
        """Versions against their files, the records of their contents, and the object store."""
        found = await self.pages.versions(request["after"], request["limit"])
        is_full, unread = len(found) == request["limit"], 0
        damaged: list[Inconsistency] = []
        if request["checksums"]:
            damaged, unread, until = await self._read(found)
            is_full, found = is_full or len(until) < len(found), {key: found[key] for key in until}
        wrong = [*await self._of_versions(self.reads, self.pages, found), *damaged]
        if wrong:
            names = {each.id for each in wrong}
            suspects = {key: version for key, version in found.items() if version_name(version) in names}
            present = await self.store.versions.by_id(list(suspects))
            kept = {version_name(version) for version in present.values()}
            damaged = [each for each in damaged if each.id in kept]
            wrong = [*await self._of_versions(self.store, self.primary, present), *damaged]
            await self._repair_versions(request, present, wrong)
        return page_of(request, list(found), wrong, unread, is_full=is_full)

    async def _of_versions(
        self, store: Store, pages: StoredPages, versions: Mapping[str, Version]
    ) -> list[Inconsistency]:
        there = {node.id for node in await store.nodes.by_ids({each.node_id for each in versions.values()})}
        uncounted = await pages.uncounted(each.object_key for each in versions.values())
        objects = {version.object_key: _object_of(version.object_key) for version in versions.values()}
        keys = sorted(set(objects.values()))
        stored = dict(zip(keys, await self.objects.head_many(keys), strict=True))
        problems: list[Inconsistency] = []
        for version in versions.values():
            key, name, owner = version.object_key, version_name(version), version.owner_id
            if version.node_id not in there:
                problems.append(
                    Inconsistency("file_missing", name, owner, f"{version.node_id} does not exist", repairable=True)
                )
            if key in uncounted:
                problems.append(
                    Inconsistency(
                        "content_uncounted", name, owner, f"nothing keeps {key} from deletion", repairable=True
                    )
                )
            info = stored[objects[key]]
            problem = object_inconsistency(version, info.size if info else None, whole=is_whole(key))
            if problem is not None:
                problems.append(problem)
        return problems

    async def _read(self, versions: Mapping[str, Version]) -> tuple[list[Inconsistency], int, list[str]]:
        """Compare contents with their hashes until enough is read; what differs, how many were not read, how far."""
        damaged: list[Inconsistency] = []
        unread = done = 0
        until: list[str] = []
        for key, version in versions.items():
            until.append(key)
            if version.size > MAX_READ_BYTES:
                unread += 1
                continue
            try:
                reason = await self._difference(version)
            except ObjectStoreUnavailable:
                raise
            except ObjectNotFound as error:
                reason = "" if is_whole(version.object_key) else str(error)  # a whole one is missing already
            except ObjectStoreError as error:
                if error.code != ARCHIVED:
                    raise
                unread, reason = unread + 1, ""
            if reason:
                damaged.append(Inconsistency("content_damaged", version_name(version), version.owner_id, reason))
            done += version.size
            if done >= PAGE_READ_BYTES:
                break
        return damaged, unread, until

    async def _difference(self, version: Version) -> str:
        """Why the bytes are not those of the version; empty if they are."""
        digest = hashlib.sha256()
        try:
            async with aclosing(self.contents.stream(version.object_key, version.size)) as parts:
                async for part in parts:
                    digest.update(part)
        except ContentDamaged as error:
            return str(error)
        return "" if digest.hexdigest() == version.sha256 else f"{version.object_key} has another hash than recorded"

    async def _repair_versions(
        self, request: CheckRequest, versions: Mapping[str, Version], wrong: Sequence[Inconsistency]
    ) -> None:
        if not request["repair"]:
            return
        by_name = {version_name(version): (key, version) for key, version in versions.items()}
        await self.repairs.keep(by_name[each.id][1].object_key for each in wrong if each.kind == "content_uncounted")
        lost = [by_name[each.id][0] for each in wrong if each.kind == "file_missing"]
        if lost:
            await self.transactor.run(self._removing(lost))

    def _removing(self, ids: Sequence[str]) -> Callable[[Transaction], Awaitable[None]]:
        """Remove versions without a file. What others have removed meanwhile has given up its content already."""

        async def work(transaction: Transaction) -> None:
            present = await self.store.versions.by_id(ids, transaction.session)
            nodes = await self.store.nodes.by_ids({each.node_id for each in present.values()}, transaction.session)
            there = {node.id for node in nodes}
            lost = [version for version in present.values() if version.node_id not in there]
            await self.store.versions.remove(lost, self.clock(), transaction.session)

        return work


def _object_of(object_key: str) -> str:
    """The key of the object that a content is in."""
    part = pack_of(object_key)
    return part.pack_key if part else object_key
