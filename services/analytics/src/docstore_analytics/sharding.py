"""Shard keys of the collections of analytics. What waits for the archive is short-lived."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import ADMINISTRATOR, Placement, Unsharded, by_account, by_hash

WAITING = Unsharded("events of the last minutes; sealed in S3 and deleted")
CHAIN = Unsharded("one chain, whose next link depends on the last one")
COLLECTIONS: Mapping[str, Placement] = {
    "accounts": by_hash("_id"),
    "activity": by_hash("_id", broadcasts={"about": "a user looks at the activity of a file"}),
    "files": by_hash("_id", broadcasts={"gone": ADMINISTRATOR, "owner_id": "a user's own most shared files"}),
    "storage_days": by_account("account_id"),
    "series": Unsharded("figures of the whole region by hour and day"),
    "archive_chunks": WAITING,
    "archive_segments": WAITING,
    "access_chunks": WAITING,
    "access_segments": WAITING,
    "access_logs": Unsharded("a document for each log file of the object store, until it is read"),
    "access_log_positions": Unsharded("a document for each source"),
    "audit": CHAIN,
    "audit_head": CHAIN,
    "audit_seals": CHAIN,
    "audit_anchor": CHAIN,
}
