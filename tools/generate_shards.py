"""Writes deploy/policies/mongo/shards.js: the commands that shard the collections of all services, for mongosh."""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path

from docstore_events.sharding import COLLECTIONS as OF_EVENTS
from docstore_platform.mongodb.sharding import Placement, Sharded
from docstore_platform.services import SERVICE_NAMES

TARGET = Path(__file__).parents[1] / "deploy/policies/mongo/shards.js"

TEXT = """\
// Written by `make generate` from the sharding.py of each service: shards DocStore's collections (docs/scale.md).
//   SHARDS='["shard-1", "shard-2"]' BOUNDS='["0198"]' mongosh "mongodb://admin@router.example.org/admin" shards.js
// BOUNDS are the account ids, ascending, where the next shard's accounts begin. With REGION and PREFIX, the databases
// of a region stay on its shards. Doing it again with other bounds moves accounts; else it changes nothing.
const SHARDS = JSON.parse(process.env.SHARDS);
const BOUNDS = JSON.parse(process.env.BOUNDS ?? "[]");
const PREFIX = process.env.PREFIX ?? "docstore_";
const REGION = process.env.REGION ?? "docstore";
if (BOUNDS.length !== SHARDS.length - 1) throw new Error("BOUNDS needs one id less than there are SHARDS");
const SERVICES = %(services)s;
// Key: 1 by ranges of its values, "hashed" by ranges of their hashes. byAccount: the values begin with an account's id.
const COLLECTIONS = [
%(rows)s
];

for (const service of SERVICES) {
  db.adminCommand({ enableSharding: PREFIX + service, primaryShard: SHARDS[0] });
}
for (const shard of SHARDS) {
  sh.addShardToZone(shard, REGION);
  sh.addShardToZone(shard, `${REGION}-${shard}`);
}
for (const { service, collection, key, byAccount } of COLLECTIONS) {
  const namespace = `${PREFIX}${service}.${collection}`;
  const field = Object.keys(key)[0];
  const indexes = db.getSiblingDB(PREFIX + service)[collection];
  const serves = (index) => Object.keys(index.key)[0] === field && index.key[field] === key[field];
  if (!indexes.getIndexes().some((index) => serves(index) && !index.partialFilterExpression && !index.sparse)) {
    indexes.createIndex(key);
  }
  sh.shardCollection(namespace, key);
  for (const { min, max } of db.getSiblingDB("config").tags.find({ ns: namespace }).toArray()) {
    sh.removeRangeFromZone(namespace, min, max);
  }
  const bounds = [MinKey(), ...(byAccount ? BOUNDS : []), MaxKey()];
  for (let i = 1; i < bounds.length; i++) {
    const zone = byAccount ? `${REGION}-${SHARDS[i - 1]}` : REGION;
    sh.updateZoneKeyRange(namespace, { [field]: bounds[i - 1] }, { [field]: bounds[i] }, zone);
  }
}
"""


def placements() -> Mapping[str, Mapping[str, Placement]]:
    """Each service's collections, with those that all have."""
    return {
        service: {**importlib.import_module(f"docstore_{service}.sharding").COLLECTIONS, **OF_EVENTS}
        for service in SERVICE_NAMES
    }


def text() -> str:
    rows = [
        {
            "service": service,
            "collection": collection,
            "key": {placement.key: "hashed" if placement.hashed else 1},
            "byAccount": placement.by_account,
        }
        for service, collections in placements().items()
        for collection, placement in collections.items()
        if isinstance(placement, Sharded)
    ]
    return TEXT % {
        "services": json.dumps(SERVICE_NAMES),
        "rows": "\n".join(f"  {json.dumps(row)}," for row in rows),
    }


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
