"""Shard keys of the collections of metadata: an account's tree lies together, with its versions, shares and journal.

A node never changes its owner. Ids do not contain it, so a node read by its id alone is looked up on each shard.
"""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import (
    CHECK,
    DUE,
    START,
    SWEEP,
    Placement,
    Sharded,
    Unsharded,
    by_account,
    by_hash,
)

BY_ID = "ids do not contain the owner: one lookup by index on each shard"
FOLDER = "children of a folder, of which the filter has the id alone: one lookup by index on each shard"
READERS = "what others share with an account lies with those others"
COLLECTIONS: Mapping[str, Placement] = {
    "nodes": by_account(
        "owner",
        broadcasts={
            "_id": BY_ID,
            "parent": FOLDER,
            "order": START,
            "replaced_from": START,
            "hidden": START,
            "photo_at": START,
            "trash_from": SWEEP,
            "versions_from": SWEEP,
            "recheck_from": SWEEP,
            "cold_from": SWEEP,
            "locks": "how many locks an account has, wherever they are",
        },
        unique_by={"parent name": "a change of a folder's children writes the folder in its transaction"},
    ),
    "versions": by_account("owner", broadcasts={"_id": BY_ID, "number": START}),
    "shares": by_account(
        "owner",
        broadcasts={
            "_id": BY_ID,
            "node": BY_ID,
            "account": READERS,
            "invited": READERS,
            "hidden_from": READERS,
            "email_key": "an account proves its address, or its last invitation is withdrawn",
            "pending": "the metrics",
        },
        unique_by={"node email_key": "a change of a node's shares writes the node's folder in its transaction"},
    ),
    "links": Sharded(
        "token",
        broadcasts={
            "_id": "a change of a link, and counts of what was sent through it",
            "node": "a user looks at the links of a file",
            "owner": "a repeated request to create a link, or an account that another person has taken over",
            "warn_at": SWEEP,
        },
        unique_by={"owner operation": "the gateway's idempotency keys; of two links for one request both work"},
    ),
    "journal": by_account("_id", broadcasts={"paths": "once, after a restore"}),
    "journals": by_account("_id", broadcasts={"_id": CHECK}),
    "objects": by_hash("_id", broadcasts={"due_at": DUE, "idle": SWEEP, "refs": SWEEP}),
    "commits": by_hash("_id"),
    "people": by_hash("_id", broadcasts={"account": "an account changes its name or address"}),
    "blocked_people": by_account("recipient"),
    "share_senders": by_hash("_id"),
    "share_settings": by_hash("_id"),
    "invitations": by_hash("_id"),
    "link_failures": by_hash("_id"),
    "retrievals": Unsharded("a document for each version that is being brought back from the archive class"),
    "zip_progress": by_hash("_id"),
    "jobs": Unsharded("a document for each folder that is being changed in steps"),
}
