// Written by `make generate` from the sharding.py of each service: shards DocStore's collections (docs/scale.md).
//   SHARDS='["shard-1", "shard-2"]' BOUNDS='["0198"]' mongosh "mongodb://admin@router.example.org/admin" shards.js
// BOUNDS are the account ids, ascending, where the next shard's accounts begin. With REGION and PREFIX, the databases
// of a region stay on its shards. Doing it again with other bounds moves accounts; else it changes nothing.
const SHARDS = JSON.parse(process.env.SHARDS);
const BOUNDS = JSON.parse(process.env.BOUNDS ?? "[]");
const PREFIX = process.env.PREFIX ?? "docstore_";
const REGION = process.env.REGION ?? "docstore";
if (BOUNDS.length !== SHARDS.length - 1) throw new Error("BOUNDS needs one id less than there are SHARDS");
const SERVICES = ["accounts", "analytics", "gateway", "indexer", "media", "metadata", "notify", "quota", "upload"];
// Key: 1 by ranges of its values, "hashed" by ranges of their hashes. byAccount: the values begin with an account's id.
const COLLECTIONS = [
  {"service": "accounts", "collection": "accounts", "key": {"_id": 1}, "byAccount": true},
  {"service": "accounts", "collection": "directory", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "sessions", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "devices", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "api_tokens", "key": {"secret_hash": 1}, "byAccount": false},
  {"service": "accounts", "collection": "email_verifications", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "password_resets", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "reset_requests", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "sign_ups", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "login_failures", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "invitation_counts", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "accounts", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "analytics", "collection": "accounts", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "analytics", "collection": "activity", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "analytics", "collection": "files", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "analytics", "collection": "storage_days", "key": {"account_id": 1}, "byAccount": true},
  {"service": "analytics", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "analytics", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "gateway", "collection": "idempotency_keys", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "gateway", "collection": "rate_limits", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "gateway", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "gateway", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "indexer", "collection": "accounts", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "indexer", "collection": "languages", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "indexer", "collection": "documents", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "indexer", "collection": "texts", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "indexer", "collection": "saved_searches", "key": {"account_id": 1}, "byAccount": true},
  {"service": "indexer", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "indexer", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "media", "collection": "renditions", "key": {"content": 1}, "byAccount": false},
  {"service": "media", "collection": "versions", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "media", "collection": "variants", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "media", "collection": "gone", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "media", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "media", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "nodes", "key": {"owner": 1}, "byAccount": true},
  {"service": "metadata", "collection": "versions", "key": {"owner": 1}, "byAccount": true},
  {"service": "metadata", "collection": "shares", "key": {"owner": 1}, "byAccount": true},
  {"service": "metadata", "collection": "links", "key": {"token": 1}, "byAccount": false},
  {"service": "metadata", "collection": "journal", "key": {"_id": 1}, "byAccount": true},
  {"service": "metadata", "collection": "journals", "key": {"_id": 1}, "byAccount": true},
  {"service": "metadata", "collection": "objects", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "commits", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "people", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "blocked_people", "key": {"recipient": 1}, "byAccount": true},
  {"service": "metadata", "collection": "share_senders", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "share_settings", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "invitations", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "link_failures", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "zip_progress", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "metadata", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "contacts", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "preferences", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "phones", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "text_messages", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "tests", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "notifications", "key": {"account_id": 1}, "byAccount": true},
  {"service": "notify", "collection": "subscriptions", "key": {"account_id": 1}, "byAccount": true},
  {"service": "notify", "collection": "push_subscriptions", "key": {"endpoint": 1}, "byAccount": false},
  {"service": "notify", "collection": "deliveries", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "lanes", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "rechecks", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "streams", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "shares", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "told_shares", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "uninvited", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "notify", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "quota", "collection": "accounts", "key": {"_id": 1}, "byAccount": true},
  {"service": "quota", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "quota", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "upload", "collection": "uploads", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "upload", "collection": "packs", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "upload", "collection": "blocks", "key": {"_id": 1}, "byAccount": true},
  {"service": "upload", "collection": "block_lists", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "upload", "collection": "discarded", "key": {"_id": 1}, "byAccount": true},
  {"service": "upload", "collection": "cold_objects", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "upload", "collection": "unused", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "upload", "collection": "outbox", "key": {"_id": "hashed"}, "byAccount": false},
  {"service": "upload", "collection": "inbox", "key": {"_id": "hashed"}, "byAccount": false},
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
