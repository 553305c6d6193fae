"""What databases need that were restored to an earlier moment, beside a broker that knows nothing of it.

- What services had said was in the broker's log. Not everybody may have heard it: all of it is said again, and who has
  handled an event knows it by its inbox, which is kept from now on as long as ever, however old the backup is.
- Clients know numbers of changes that were given out since: the next ones are beyond those.
- What the index of an external search engine was told since is of no state that there is: it is built anew.
- Previews are in no backup: they are made anew.
- Trash and old versions of an old backup would be overdue: they have their full time from now on.
"""

from collections.abc import Sequence

from docstore_indexer.indexing.job_repository import REBUILD
from docstore_indexer.indexing.job_repository import Jobs as IndexJobs
from docstore_media.storage import render_anew
from docstore_metadata.maintenance import invalidate_cursors, restart_retention
from docstore_platform.clock import utc_now
from docstore_platform.mongo import Database, Mongo

ACCOUNTS_AT_ONCE = 1000


async def mend(mongo: Mongo, prefix: str, services: Sequence[str]) -> None:
    """Set right the databases of these services, before anything has begun to use them. It may be done again."""
    for service in services:
        await _say_all_again(mongo.database(f"{prefix}{service}"))
    if "metadata" in services:
        await restart_retention(mongo.database(f"{prefix}metadata"))
    if "metadata" in services and "accounts" in services:
        await _begin_journals_anew(mongo.database(f"{prefix}accounts"), mongo.database(f"{prefix}metadata"))
    if "indexer" in services:
        jobs = IndexJobs(mongo.database(f"{prefix}indexer"), lease_seconds=0)
        await jobs.request(REBUILD, "rebuild", state="waiting", reason="restored")
    if "media" in services:
        await render_anew(mongo.database(f"{prefix}media"), utc_now())


async def _say_all_again(database: Database) -> None:
    await database["outbox"].update_many({"state": "sent"}, {"$set": {"state": "pending"}})
    await database["inbox"].update_many({}, [{"$set": {"handled_at": "$$NOW"}}])
    await database["sent_logs"].delete_many({})


async def _begin_journals_anew(accounts: Database, metadata: Database) -> None:
    """Of every account, whether or not it had a change when the backup was taken."""
    moment = utc_now()
    some: list[str] = []
    async for account in accounts["accounts"].find({}, {"_id": 1}):
        some.append(account["_id"])
        if len(some) == ACCOUNTS_AT_ONCE:
            await invalidate_cursors(metadata, some, moment)
            some = []
    await invalidate_cursors(metadata, some, moment)
