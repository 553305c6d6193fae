"""Changes to the events in a service's database when a backup is restored."""

from docstore_events.outbox.relay import LEASE_COLLECTION
from docstore_platform.mongodb.client import Database

NOT_IN_BACKUPS = frozenset({LEASE_COLLECTION})
"""Collections of running instances only."""


async def after_restore(database: Database) -> None:
    """Republish all events, since the broker may have lost them, and accept none twice.

    A consumer recognizes an event by its inbox row. All rows are kept for the full time from now on, however old the
    backup is.
    """
    await database["outbox"].update_many({"state": "sent"}, {"$set": {"state": "pending"}})
    await database["inbox"].update_many({}, [{"$set": {"handled_at": "$$NOW"}}])
    await database["sent_logs"].delete_many({})
