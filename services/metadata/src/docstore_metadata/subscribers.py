"""Handles the events of accounts, of the index and of previews."""

from dataclasses import dataclass, field

from docstore_events.accounts import AccountCreated, AccountEvent, AccountUpdated
from docstore_events.envelope import Envelope
from docstore_events.files import FileIndexed, FileIndexFailed, PreviewReady
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_metadata.retention.repository import RESTART_RETENTION
from docstore_metadata.sharing.pending import PendingShares
from docstore_metadata.sharing.repository import Person
from docstore_metadata.sharing.rules import email_key
from docstore_metadata.storage import Store
from docstore_metadata.tree.documents import node_document, root_node
from docstore_platform.mongo import UpdateOne


@dataclass(slots=True)
class Batch:
    """Updates of nodes, in the order of the events they come from."""

    updates: list[UpdateOne] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Files that may have shown as indexed and no longer do."""
    pictured: list[str] = field(default_factory=list)
    """Files of which a version has a preview now."""
    people: dict[str, Person] = field(default_factory=dict)
    """By their e-mail addresses."""

    def register(self, account: AccountEvent) -> None:
        self.people[email_key(account.email)] = Person(
            account.account_id, account.revision, account.display_name, account.email_verified
        )


class MetadataSubscribers(Subscribers[Batch]):
    def __init__(self, store: Store, grants: PendingShares) -> None:
        self._store = store
        self._grants = grants

    def begin(self) -> Batch:
        return Batch()

    def on_account_created(self, envelope: Envelope[AccountCreated], batch: Batch) -> None:
        """An account has a root folder from the beginning, and what was shared with its address once that is proven."""
        account = envelope.event
        batch.register(account)
        root = node_document(root_node(account.account_id, account.created_at))
        del root["_id"]
        batch.updates.append(UpdateOne({"_id": account.account_id}, {"$setOnInsert": root}, upsert=True))

    def on_account_updated(self, envelope: Envelope[AccountUpdated], batch: Batch) -> None:
        """It may have another address or name, and be suspended or no longer: then its trash has its time anew."""
        account = envelope.event
        batch.register(account)
        older = {"_id": account.account_id, "account_revision": {"$not": {"$gte": account.revision}}}
        state = {"account_revision": account.revision, "suspended": account.status == "suspended"}
        if not state["suspended"]:
            batch.updates.append(UpdateOne({**older, "suspended": True}, RESTART_RETENTION))
        batch.updates.append(UpdateOne(older, {"$set": state}))

    def on_file_indexed(self, envelope: Envelope[FileIndexed], batch: Batch) -> None:
        """A search can find this version: it shows as indexed while it is the current one."""
        event = envelope.event
        batch.updates.append(UpdateOne({"_id": event.file_id}, {"$max": {"indexed_version": event.version}}))

    def on_file_index_failed(self, envelope: Envelope[FileIndexFailed], batch: Batch) -> None:
        """The text of this version can't be had: it does not show as indexed, whatever came before."""
        event = envelope.event
        this_version = {"_id": event.file_id, "indexed_version": event.version}
        batch.updates.append(UpdateOne(this_version, {"$unset": {"indexed_version": ""}}))
        batch.failed.append(event.file_id)

    def on_preview_ready(self, envelope: Envelope[PreviewReady], batch: Batch) -> None:
        """This version has a preview: the file shows so while it is the current one."""
        event = envelope.event
        batch.updates.append(UpdateOne({"_id": event.file_id}, {"$max": {"preview_version": event.version}}))
        batch.pictured.append(event.file_id)

    async def commit(self, batch: Batch, transaction: Transaction) -> None:
        """A file that comes to be indexed changes no listing's revision (see Listings).

        One that ceases to be does, and so does one that has a preview.
        """
        session = transaction.session
        if batch.failed or batch.pictured:
            were_indexed = {"_id": {"$in": batch.failed}, "indexed_version": {"$gt": 0}}
            look_different = {"$or": [were_indexed, {"_id": {"$in": batch.pictured}}]}
            files = await self._store.find_nodes(look_different, session)
            await self._store.bump((file.parent_id for file in files if file.parent_id), session)
        if batch.updates:
            await self._store.nodes.bulk_write(batch.updates, session=session)
        if batch.people:
            await self._grants.register(batch.people, transaction)
