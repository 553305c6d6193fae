// A role and a user for each service, in its own database. With the passwords as JSON in the environment:
//   PASSWORDS='{"gateway": "...", "accounts": "...", ...}' mongosh "mongodb://admin@db.example.org/admin" roles.js
// Doing it again changes roles and passwords only. deploy/provision does the same for the containers' database.
const SERVICES = [
  // generated: service names
  "accounts",
  "analytics",
  "gateway",
  "indexer",
  "media",
  "metadata",
  "notify",
  "quota",
  "upload",
  // end of generated
];
const ACTIONS = [
  "find", "insert", "update", "remove",
  "createCollection", "listCollections",
  "createIndex", "dropIndex", "listIndexes",
  "collMod",
];
const passwords = JSON.parse(process.env.PASSWORDS);
for (const service of SERVICES) {
  const database = db.getSiblingDB(`docstore_${service}`);
  const role = {
    privileges: [{ resource: { db: database.getName(), collection: "" }, actions: ACTIONS }],
    roles: [],
  };
  if (database.getRole("service")) {
    database.updateRole("service", role);
  } else {
    database.createRole({ role: "service", ...role });
  }
  const user = { pwd: passwords[service], roles: [{ role: "service", db: database.getName() }] };
  if (database.getUser(service)) {
    database.updateUser(service, user);
  } else {
    database.createUser({ user: service, ...user });
  }
}
