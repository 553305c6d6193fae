"""Shard keys of the collections of the indexer; the index itself is OpenSearch's, or a folder of one instance."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import DUE, Placement, Unsharded, by_account, by_hash

COLLECTIONS: Mapping[str, Placement] = {
    "accounts": by_hash("_id"),
    "languages": by_hash("_id"),
    "documents": by_hash(
        "_id",
        broadcasts={
            "due_at": DUE,
            "_id": "all documents, in pages, when an index is rebuilt",
            "state": "how many documents wait, for the metrics",
            "event_ids": "an upload's final check",
            "owner_id": "a job indexes an account again, after a change of its plan or at an operator's request",
        },
    ),
    "texts": by_hash("_id"),
    "saved_searches": by_account("account_id"),
    "jobs": Unsharded("a document for each account that is being indexed again"),
}
