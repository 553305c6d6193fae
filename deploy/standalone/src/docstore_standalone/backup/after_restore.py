"""Calls the repairs of each service after a restore, before anything uses the databases."""

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from docstore_accounts.maintenance import account_ids
from docstore_events.maintenance import after_restore as events_after_restore
from docstore_platform.backups.restored import Objects, Restored
from docstore_platform.mongodb.client import Mongo
from docstore_platform.services import SERVICE_NAMES


async def after_restore(mongo: Mongo, prefix: str, services: Sequence[str], region: str, objects: Objects) -> None:
    """Repair the databases of these services. Idempotent."""
    accounts = mongo.database(f"{prefix}accounts")
    for service in services:
        database = mongo.database(f"{prefix}{service}")
        await events_after_restore(database)
        module = f"docstore_{service}.maintenance"
        if service in SERVICE_NAMES and find_spec(module):
            restored = Restored(database, region, objects, partial(account_ids, accounts))
            if repair := getattr(import_module(module), "after_restore", None):
                await repair(restored)
