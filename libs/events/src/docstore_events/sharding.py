"""Collections that every service has: those of its events, of its background work, and of what it does once."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import Placement, Unsharded, by_hash

FEW = Unsharded("a document for each instance, partition or kind of work")
COLLECTIONS: Mapping[str, Placement] = {
    "outbox": by_hash(
        "_id",
        broadcasts={
            "state": "the service's only relay reads what is pending, up to a batch at a time",
            "key": "an operator's replay, and the relay after an outage",
            "sent_at": "an operator's replay",
            "sequence": "the relay's next rows",
        },
    ),
    "inbox": by_hash("_id"),
    "dead_letters": Unsharded("a document for each event that no consumer could handle"),
    "outbox_lease": FEW,
    "sent_logs": FEW,
    "leases": FEW,
    "migrations": FEW,
    "deletion_holds": FEW,
}
