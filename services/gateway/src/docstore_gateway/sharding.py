"""Shard keys of the collections of the gateway."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import Placement, by_hash

COLLECTIONS: Mapping[str, Placement] = {
    "idempotency_keys": by_hash("_id"),
    "rate_limits": by_hash("_id"),
}
