"""Shard keys of the collections of upload: a transfer, a pack, and blocks, whose ids begin with their account's."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import CHECK, DUE, SWEEP, Placement, Unsharded, by_account, by_hash

STALLED = "an administrator's list and the metrics of what stalled"
COLLECTIONS: Mapping[str, Placement] = {
    "uploads": by_hash(
        "_id",
        broadcasts={
            "_id": CHECK,
            "next_check_at": DUE,
            "account_id": "an account's uploads, and what it has not completed",
            "missing": STALLED,
        },
    ),
    "packs": by_hash("_id", broadcasts={"_id": CHECK, "next_check_at": DUE, "missing": STALLED}),
    "blocks": by_account(
        "_id", broadcasts={"_id": CHECK, "next_check_at": DUE, "touched_at": SWEEP, "state": STALLED, "refs": STALLED}
    ),
    "block_lists": by_hash("_id"),
    "discarded": by_account("_id", broadcasts={"next_check_at": DUE}),
    "cold_objects": by_hash("_id", broadcasts={"due_at": DUE}),
    "unused": by_hash("_id", broadcasts={"idle": SWEEP}),
    "sweeps": Unsharded("a document for each kind of sweep"),
}
