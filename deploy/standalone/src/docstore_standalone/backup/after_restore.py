"""Calls what services define for a restore in their `maintenance.py`, before anything uses the databases.

Beside `after_restore`, a service that stores objects which no file refers to defines two functions for restores to a
moment. `stored_objects(database, region)` iterates over the keys of those that its database refers to, and ends with
one that is never deleted. `repair_missing(database, region, objects, missing)` repairs what refers to missing ones, and
returns the keys of those that are replaced.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from docstore_accounts.maintenance import account_ids
from docstore_contents.s3.store import ObjectStore
from docstore_events.maintenance import after_restore as events_after_restore
from docstore_platform.backups.restored import Objects, Restored
from docstore_platform.mongodb.client import Mongo
from docstore_platform.services import SERVICE_NAMES


async def after_restore(mongo: Mongo, prefix: str, services: Sequence[str], region: str, objects: Objects) -> None:
    """Repair the databases of these services. Idempotent."""
    accounts = mongo.database(f"{prefix}accounts")
    for service in services:
        await events_after_restore(mongo.database(f"{prefix}{service}"))
    for service, repair in _defined(services, "after_restore"):
        await repair(Restored(mongo.database(f"{prefix}{service}"), region, objects, partial(account_ids, accounts)))


async def stored_objects(mongo: Mongo, prefix: str, services: Sequence[str], region: str) -> AsyncIterator[str]:
    """Iterate over the keys of the objects that these services have written and refer to, beside those of files."""
    for service, keys in _defined(services, "stored_objects"):
        async for key in keys(mongo.database(f"{prefix}{service}"), region):
            yield key


async def repair_missing(
    mongo: Mongo, prefix: str, services: Sequence[str], region: str, store: ObjectStore, missing: Sequence[str]
) -> list[str]:
    """Repair what refers to `missing` objects; return the keys of those that can't be replaced."""
    replaced: set[str] = set()
    for service, repair in _defined(services, "repair_missing") if missing else ():
        replaced |= await repair(mongo.database(f"{prefix}{service}"), region, store, frozenset(missing))
    return [key for key in missing if key not in replaced]


def _defined(services: Sequence[str], name: str) -> Iterator[tuple[str, Any]]:
    """Iterate over the services that define a function of this name, with the function."""
    for service in services:
        module = f"docstore_{service}.maintenance"
        if service in SERVICE_NAMES and find_spec(module):
            function = getattr(import_module(module), name, None)
            if function is not None:
                yield service, function
