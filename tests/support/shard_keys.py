"""Compares each command that a service sends to MongoDB with the shard keys that it declares.

No router is needed for that: a filter that holds the key goes to the shards of its values, any other goes to all.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from generate_shards import placements
from pymongo import monitoring

from docstore_platform.mongodb import client
from docstore_platform.mongodb.client import Document
from docstore_platform.mongodb.sharding import Sharded
from docstore_platform.services import SERVICE_NAMES

COLLECTIONS = placements()
MISPLACED: list[str] = []
"""Problems found during the running test; the top-level conftest fails the test if there are any."""
CLIENTS = {f"docstore-{service}" for service in SERVICE_NAMES}
"""Names of services' clients; those of tests, backups and restores read whatever there is."""
NOT_IN_TRANSACTIONS = ("distinct", "$lookup", "$graphLookup")
"""Commands and stages that the router refuses in a transaction, on a sharded collection."""


def problem_of(service: str, command: str, body: Document) -> str | None:
    """What keeps a command from a sharded cluster, or sends it to all shards without a reason; None if nothing does."""
    collection = body.get(command)
    if not isinstance(collection, str) or collection.startswith("system."):
        return None
    placement = COLLECTIONS[service].get(collection)
    if placement is None:
        return f"{service}.{collection} is not in docstore_{service}/sharding.py"
    if isinstance(placement, Sharded):
        found = next(_problems(placement, command, body), None)
        return f"{service}.{collection}: {found}" if found else None
    return None


def _problems(placement: Sharded, command: str, body: Document) -> Iterator[str]:
    if command == "createIndexes":
        yield from (
            f"the unique index {list(index['key'])} does not begin with the shard key {placement.key}"
            for index in body["indexes"]
            if not _is_possible(placement, index)
        )
    if command == "insert":
        yield from (
            f"a document without the shard key {placement.key} is inserted: {sorted(document)}"
            for document in body["documents"]
            if document.get(placement.key) is None
        )
    if "autocommit" in body:
        stages = {command, *(name for stage in body.get("pipeline", []) for name in stage)}
        yield from (f"{name} is refused in a transaction" for name in NOT_IN_TRANSACTIONS if name in stages)
    for condition, is_upsert in _filters(command, body):
        if placement.has_key(condition):
            continue
        if is_upsert:
            yield f"an upsert without the shard key {placement.key}: {condition}"
        if placement.reason_to_broadcast(condition) is None:
            yield f"{command} goes to all shards, as it is without {placement.key}: {condition}"


def _is_possible(placement: Sharded, index: Document) -> bool:
    fields = list(index["key"])
    if not index.get("unique") or " ".join(fields) in placement.unique_by:
        return True
    return fields[0] == placement.key and not placement.hashed


def _filters(command: str, body: Document) -> list[tuple[Document, bool]]:
    """Each filter of a command, and whether it inserts a document if there is none."""
    match command:
        case "find":
            return [(body.get("filter", {}), False)]
        case "count" | "distinct":
            return [(body.get("query", {}), False)]
        case "aggregate":
            return [(body["pipeline"][0].get("$match", {}) if body["pipeline"] else {}, False)]
        case "update":
            return [(each["q"], bool(each.get("upsert"))) for each in body["updates"]]
        case "delete":
            return [(each["q"], False) for each in body["deletes"]]
        case "findAndModify":
            return [(body.get("query", {}), bool(body.get("upsert")))]
    return []


class _Listener(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        service = event.database_name.rpartition("_")[2]
        if service not in COLLECTIONS:
            return
        try:
            problem = problem_of(service, event.command_name, event.command)
        except Exception as error:  # noqa: BLE001 - the driver would only print it
            problem = f"{service}: {event.command_name} can't be compared: {error!r}"
        if problem is not None:
            MISPLACED.append(problem[:500])

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@contextmanager
def compared_commands() -> Iterator[None]:
    """Compare the commands of all services in this process."""
    make: Callable[..., Any] = client.AsyncIOMotorClient

    def make_compared(*arguments: Any, event_listeners: list[Any], appname: str, **options: Any) -> Any:
        compared = [_Listener()] if appname in CLIENTS else []
        return make(*arguments, event_listeners=[*event_listeners, *compared], appname=appname, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client, "AsyncIOMotorClient", make_compared)
        yield
