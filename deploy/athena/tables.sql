CREATE DATABASE IF NOT EXISTS docstore;

CREATE EXTERNAL TABLE IF NOT EXISTS docstore.events (
  id string,
  type string,
  source string,
  time timestamp,
  subject string,
  revision bigint,
  account_id string,
  actor_id string,
  file_id string,
  bytes bigint,
  data string
)
PARTITIONED BY (day string)
STORED AS PARQUET
LOCATION 's3://docstore-content-us-west-2/archive/events/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2026-01-01,NOW'
);

CREATE EXTERNAL TABLE IF NOT EXISTS docstore.accesses (
  id string,
  log string,
  time timestamp,
  bucket string,
  key string,
  kind string,
  account_id string,
  operation string,
  status bigint,
  bytes bigint,
  object_bytes bigint,
  client string,
  request_id string,
  user_agent string,
  requester string,
  by_url boolean
)
PARTITIONED BY (day string)
STORED AS PARQUET
LOCATION 's3://docstore-content-us-west-2/archive/accesses/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.day.type' = 'date',
  'projection.day.format' = 'yyyy-MM-dd',
  'projection.day.range' = '2026-01-01,NOW'
);

CREATE OR REPLACE VIEW docstore.calls AS
SELECT
  id AS event_id,
  day,
  from_iso8601_timestamp(json_extract_scalar(call, '$.at')) AS called_at,
  json_extract_scalar(call, '$.request_id') AS request_id,
  json_extract_scalar(call, '$.method') AS method,
  json_extract_scalar(call, '$.route') AS route,
  json_extract_scalar(call, '$.path') AS path,
  CAST(json_extract_scalar(call, '$.status') AS integer) AS status,
  json_extract_scalar(call, '$.account_id') AS account_id,
  json_extract_scalar(call, '$.client') AS client,
  json_extract_scalar(call, '$.object_id') AS object_id,
  CAST(json_extract(call, '$.read') AS array(varchar)) AS read
FROM docstore.events
CROSS JOIN UNNEST(CAST(json_extract(data, '$.calls') AS array(json))) AS t (call)
WHERE type = 'api-called';
