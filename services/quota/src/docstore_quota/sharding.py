"""Shard keys of the collections of quota: a document for each account."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import SWEEP, Placement, Unsharded, by_account

COLLECTIONS: Mapping[str, Placement] = {
    "accounts": by_account("_id", broadcasts={"next_expiry": SWEEP, "_id": SWEEP}),
    "drifts": Unsharded("a document for each account whose usage was found to differ"),
    "totals": Unsharded("sums of the whole region, one document for each plan"),
    "jobs": Unsharded("the reconciliation"),
}
