// A session of the npm package `webdav`: folders, files, ranges, streams, moves, copies, locks. Prints the last listing.
import assert from "node:assert/strict";
import { createClient } from "webdav";

const [url, username, password] = process.argv.slice(2);
const client = createClient(url, { username, password });

await client.createDirectory("/letters/2026", { recursive: true });
assert.equal(await client.putFileContents("/letters/2026/ünïcode & co.txt", "first"), true);
assert.equal(await client.putFileContents("/letters/2026/ünïcode & co.txt", "kept", { overwrite: false }), false);
await client.putFileContents("/letters/large", Buffer.alloc(3 << 20, 7));
assert.equal(await client.getFileContents("/letters/2026/ünïcode & co.txt", { format: "text" }), "first");

let streamed = 0;
for await (const chunk of client.createReadStream("/letters/large", { range: { start: 1 << 20, end: (2 << 20) - 1 } })) {
  streamed += chunk.length;
}
assert.equal(streamed, 1 << 20);

await client.copyFile("/letters/large", "/letters/copy");
await client.moveFile("/letters/copy", "/moved");
const lock = await client.lock("/moved");
await assert.rejects(client.putFileContents("/moved", "without the lock"), { status: 423 });
await client.putFileContents("/moved", "with the lock", { headers: { If: `(<${lock.token}>)` } });
await client.unlock("/moved", lock.token);
await client.deleteFile("/letters/large");
assert.equal(await client.exists("/letters/large"), false);
assert.equal((await client.stat("/moved")).size, "with the lock".length);

let quota;
do quota = await client.getQuota();
while (quota.used === 0); // usage is counted a moment after an upload; the test has a time limit
assert.ok(quota.used > 0 && quota.available > quota.used, JSON.stringify(quota));
await assert.rejects(client.getDirectoryContents("/", { deep: true }), { status: 403 }); // of any size: refused
const listed = [...(await client.getDirectoryContents("/")), ...(await client.getDirectoryContents("/letters/2026"))];
console.log(JSON.stringify(listed.map((each) => each.filename).sort()));
