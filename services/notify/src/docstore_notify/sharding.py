"""Shard keys of the collections of notify: what an account reads itself lies together."""

from collections.abc import Mapping

from docstore_platform.mongodb.sharding import DUE, START, Placement, Sharded, by_account, by_hash

COLLECTIONS: Mapping[str, Placement] = {
    "contacts": by_hash("_id"),
    "preferences": by_hash("_id"),
    "phones": by_hash("_id"),
    "text_messages": by_hash("_id"),
    "tests": by_hash("_id"),
    "notifications": by_account("account_id", broadcasts={"_id": "a digest is written again"}),
    "subscriptions": by_account(
        "account_id",
        broadcasts={
            "file_id": "who follows the files of a batch of events: a query for a batch",
            "_id": "a delivery's worker reads or disables its subscription",
            "address": START,
        },
    ),
    "push_subscriptions": Sharded(
        "endpoint",
        broadcasts={
            "account_id": "a user's browsers, and a notification for them",
            "_id": "a delivery's worker removes a browser that is gone",
        },
    ),
    "deliveries": by_hash(
        "_id",
        broadcasts={
            "next_at": DUE,
            "subscription_id": "the next delivery of a webhook or queue, one after the other",
            "event_ids": "an upload's final check",
            "followed": "a user looks at the deliveries of a subscription",
        },
    ),
    "lanes": by_hash("_id", broadcasts={"next_at": DUE}),
    "rechecks": by_hash("_id", broadcasts={"next_at": DUE}),
    "streams": by_hash("_id"),
    "shares": by_hash("_id"),
    "told_shares": by_hash("_id", broadcasts={"recipient": "how many mails of shares a recipient got today"}),
    "uninvited": by_hash("_id"),
}
