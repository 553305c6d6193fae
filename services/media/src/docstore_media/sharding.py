"""Shard keys of the collections of media: a rendition is found by its content, which is what has one."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import DUE, Placement, Sharded, by_hash

RENDERING = "a worker's rendering, which takes seconds"
COLLECTIONS: Mapping[str, Placement] = {
    "renditions": Sharded(
        "content",
        broadcasts={
            "due_at": DUE,
            "_id": RENDERING,
            "state": "how many wait, for the metrics",
            "lease_owner": RENDERING,
        },
    ),
    "versions": by_hash(
        "_id",
        broadcasts={"file_id": "a file was purged", "rendition": "a rendition is ready, or no longer used"},
    ),
    "variants": by_hash(
        "_id",
        broadcasts={
            "due_at": DUE,
            "rendition": "a rendition is no longer used",
            "used_at": "a sweep of unused variants",
            "state": "how many there are, for the metrics",
        },
    ),
    "gone": by_hash("_id"),
}
