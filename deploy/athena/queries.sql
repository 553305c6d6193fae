-- Uploads and bytes by day
SELECT day, count(*) AS uploads, sum(bytes) AS bytes
FROM docstore.events
WHERE type = 'upload-completed' AND day BETWEEN '2026-11-01' AND '2026-11-30'
GROUP BY day
ORDER BY day;

-- Accounts that stored most
SELECT account_id, count(*) AS files, sum(bytes) AS bytes
FROM docstore.events
WHERE type = 'file-created' AND day BETWEEN '2026-11-01' AND '2026-11-30'
GROUP BY account_id
ORDER BY bytes DESC
LIMIT 20;

-- What happened to one file
SELECT time, type, actor_id, revision
FROM docstore.events
WHERE file_id = '01a206b4e52b77c7a40faf4788e4f6e0' AND day BETWEEN '2026-11-01' AND '2026-11-30'
ORDER BY time, revision;

-- Who worked in files of others
SELECT actor_id, account_id, count(*) AS actions
FROM docstore.events
WHERE actor_id <> account_id AND file_id IS NOT NULL AND day BETWEEN '2026-11-01' AND '2026-11-30'
GROUP BY actor_id, account_id
ORDER BY actions DESC
LIMIT 20;

-- Refused calls by route
SELECT route, status, count(*) AS calls
FROM docstore.calls
WHERE status >= 400 AND day BETWEEN '2026-11-01' AND '2026-11-30'
GROUP BY route, status
ORDER BY calls DESC
LIMIT 20;

-- Bytes that clients received, by day and log
SELECT day, log, count(*) AS reads, sum(bytes) AS bytes
FROM docstore.accesses
WHERE by_url AND operation = 'REST.GET.OBJECT' AND status IN (200, 206) AND day BETWEEN '2026-11-01' AND '2026-11-30'
GROUP BY day, log
ORDER BY day, log;

-- Accounts whose files were downloaded most
SELECT account_id, count(*) AS reads, sum(bytes) AS bytes, count(DISTINCT client) AS clients
FROM docstore.accesses
WHERE by_url AND kind IN ('content', 'block', 'pack') AND day BETWEEN '2026-11-01' AND '2026-11-30'
GROUP BY account_id
ORDER BY bytes DESC
LIMIT 20;

-- Signed URLs that were refused
SELECT client, status, count(*) AS requests, max(time) AS last_at
FROM docstore.accesses
WHERE status IN (401, 403) AND day BETWEEN '2026-11-01' AND '2026-11-30'
GROUP BY client, status
ORDER BY requests DESC
LIMIT 20;
