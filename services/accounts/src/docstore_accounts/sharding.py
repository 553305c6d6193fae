"""Shard keys of the collections of accounts: mostly ids, as log-ins and refreshed sessions are what is frequent."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import ADMINISTRATOR, DUE, Placement, Sharded, Unsharded, by_account, by_hash

OF_ACCOUNT = "a user looks at the list, or all of it ends with the account or its password"
COLLECTIONS: Mapping[str, Placement] = {
    "accounts": by_account(
        "_id",
        broadcasts={
            "email_key": "a log-in by e-mail address, or an administrator's list",
            "role": ADMINISTRATOR,
            "_id": "all accounts, in pages, when a region is added",
        },
        unique_by={"email_key": "the directory: `_id` is the address, and it is claimed before the account is created"},
    ),
    "directory": by_hash(
        "_id",
        broadcasts={"account_id": "entries of other regions, in batches"},
        unique_by={"account_id": "an account's entries have revisions, of which a region stores the latest"},
    ),
    "sessions": by_hash("_id", broadcasts={"account_id": OF_ACCOUNT}),
    "devices": by_hash("_id", broadcasts={"account_id": OF_ACCOUNT}),
    "api_tokens": Sharded(
        "secret_hash", broadcasts={"account_id": OF_ACCOUNT, "_id": "a user changes or revokes a token"}
    ),
    "email_verifications": by_hash("_id", broadcasts={"account_id": OF_ACCOUNT}),
    "password_resets": by_hash("_id", broadcasts={"account_id": OF_ACCOUNT}),
    "reset_requests": by_hash("_id", broadcasts={"due_at": DUE}),
    "sign_ups": by_hash("_id"),
    "login_failures": by_hash("_id"),
    "invitation_counts": by_hash("_id"),
    "replication": Unsharded("a document for each change that a region has not received yet"),
    "introductions": Unsharded("a document for each region"),
    "revocations": Unsharded("a document for each session that ended within the life of an access token: all are read"),
    "signing_keys": Unsharded("a few keys"),
}
