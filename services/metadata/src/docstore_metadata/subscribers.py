"""What the metadata service does when it hears of accounts, of the index and of previews."""

from dataclasses import dataclass, field

from docstore_events.accounts import AccountCreated, AccountEvent, AccountUpdated
from docstore_events.envelope import Envelope
from docstore_events.files import FileIndexed, FileIndexFailed, PreviewReady
from docstore_events.subscribers import Subscribers
from docstore_events.transaction import Transaction
from docstore_metadata.documents import node_document, root_node
from docstore_metadata.grants import Grants
from docstore_metadata.retention_store import TIME_ANEW
from docstore_metadata.share_rules import email_key
from docstore_metadata.share_store import Person
from docstore_metadata.storage import Store
from docstore_platform.mongo import UpdateOne


@dataclass(slots=True)
class Unit:
    """Updates of nodes, in the order of the events they come from."""

    updates: list[UpdateOne] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Files that may have shown as indexed and no longer do."""
    pictured: list[str] = field(default_factory=list)
    """Files of which a version has a preview now."""
    people: dict[str, Person] = field(default_factory=dict)
    """By their e-mail addresses."""

    def meet(self, account: AccountEvent) -> None:
        self.people[email_key(account.email)] = Person(
            account.account_id, account.revision, account.display_name, account.email_verified
        )


class MetadataSubscribers(Subscribers[Unit]):
    def __init__(self, store: Store, grants: Grants) -> None:
        self._store = store
        self._grants = grants

    def begin(self) -> Unit:
        return Unit()

    def on_account_created(self, envelope: Envelope[AccountCreated], unit: Unit) -> None:
        """An account has a root folder from the beginning, and what was shared with its address once that is proven."""
        account = envelope.event
        unit.meet(account)
        root = node_document(root_node(account.account_id, account.created_at))
        del root["_id"]
        unit.updates.append(UpdateOne({"_id": account.account_id}, {"$setOnInsert": root}, upsert=True))

    def on_account_updated(self, envelope: Envelope[AccountUpdated], unit: Unit) -> None:
        """It may have another address or name, and be suspended or no longer: then its trash has its time anew."""
        account = envelope.event
        unit.meet(account)
        older = {"_id": account.account_id, "account_revision": {"$not": {"$gte": account.revision}}}
        state = {"account_revision": account.revision, "suspended": account.status == "suspended"}
        if not state["suspended"]:
            unit.updates.append(UpdateOne({**older, "suspended": True}, TIME_ANEW))
        unit.updates.append(UpdateOne(older, {"$set": state}))

    def on_file_indexed(self, envelope: Envelope[FileIndexed], unit: Unit) -> None:
        """A search can find this version: it shows as indexed while it is the current one."""
        event = envelope.event
        unit.updates.append(UpdateOne({"_id": event.file_id}, {"$max": {"indexed_version": event.version}}))

    def on_file_index_failed(self, envelope: Envelope[FileIndexFailed], unit: Unit) -> None:
        """The text of this version can't be had: it does not show as indexed, whatever came before."""
        event = envelope.event
        this_version = {"_id": event.file_id, "indexed_version": event.version}
        unit.updates.append(UpdateOne(this_version, {"$unset": {"indexed_version": ""}}))
        unit.failed.append(event.file_id)

    def on_preview_ready(self, envelope: Envelope[PreviewReady], unit: Unit) -> None:
        """This version has a preview: the file shows so while it is the current one."""
        event = envelope.event
        unit.updates.append(UpdateOne({"_id": event.file_id}, {"$max": {"preview_version": event.version}}))
        unit.pictured.append(event.file_id)

    async def commit(self, unit: Unit, transaction: Transaction) -> None:
        """A file that comes to be indexed changes no listing's revision (see Listings).

        One that ceases to be does, and so does one that has a preview.
        """
        session = transaction.session
        if unit.failed or unit.pictured:
            were_indexed = {"_id": {"$in": unit.failed}, "indexed_version": {"$gt": 0}}
            look_different = {"$or": [were_indexed, {"_id": {"$in": unit.pictured}}]}
            files = await self._store.find_nodes(look_different, session)
            await self._store.bump((file.parent_id for file in files if file.parent_id), session)
        if unit.updates:
            await self._store.nodes.bulk_write(unit.updates, session=session)
        if unit.people:
            await self._grants.meet(unit.people, transaction)
