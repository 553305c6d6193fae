"""Process that computes a report with DuckDB: query and pending rows on stdin, items on stdout.

All SQL of the reports is here; the caller's choices are parameters.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from docstore_analytics.archive.columns import EVENTS
from docstore_analytics.processes.duck import connect, rows_of, write_rows
from docstore_analytics.processes.framing import split_parts

CALLS = """
    SELECT
        CAST(call ->> '$.at' AS TIMESTAMP) AS called_at,
        call ->> '$.account_id' AS account_id,
        CAST(call ->> '$.status' AS INTEGER) AS status,
        CAST(json_extract(call, '$.read') AS VARCHAR[]) AS read
    FROM (SELECT unnest(CAST(json_extract(data, '$.calls') AS JSON[])) AS call FROM events WHERE type = 'api-called')
"""
UPLOADS = """
    SELECT time, account_id, 1 AS files, bytes FROM events WHERE type = 'upload-completed'
    UNION ALL
    SELECT time, account_id,
        CAST(data ->> '$.files' AS BIGINT) - json_array_length(data, '$.refused') AS files,
        bytes - coalesce(CAST(data ->> '$.refused_size' AS BIGINT), 0) AS bytes  -- the first events lack it
    FROM events WHERE type = 'pack-completed'
"""
REPORTS = {
    "usage": f"""
        WITH calls AS ({CALLS}), uploads AS ({UPLOADS}),
        uploaded AS (
            SELECT account_id, sum(files)::BIGINT AS uploads, sum(bytes)::BIGINT AS uploaded_bytes
            FROM uploads WHERE time >= $begin AND time < $end GROUP BY account_id
        ),
        called AS (
            SELECT account_id, count(*) AS calls, sum(len(read))::BIGINT AS downloads,
                count(*) FILTER (status >= 400) AS refused
            FROM calls WHERE account_id <> '' AND called_at >= $begin AND called_at < $end GROUP BY account_id
        )
        SELECT account_id, coalesce(uploads, 0) AS uploads, coalesce(uploaded_bytes, 0) AS uploaded_bytes,
            coalesce(downloads, 0) AS downloads, coalesce(calls, 0) AS calls, coalesce(refused, 0) AS refused
        FROM uploaded FULL JOIN called USING (account_id)
        ORDER BY uploaded_bytes DESC, calls DESC, account_id LIMIT $limit
    """,
    "access": f"""
        WITH calls AS ({CALLS}),
        reads AS (SELECT unnest(read) AS file_id, account_id, called_at FROM calls)
        SELECT file_id, count(*) AS reads,
            count(DISTINCT account_id) FILTER (account_id <> '') AS accounts,
            count(*) FILTER (account_id = '') AS by_link,
            strftime(max(called_at), '%Y-%m-%dT%H:%M:%S.%gZ') AS last_at
        FROM reads WHERE called_at >= $begin AND called_at < $end
        GROUP BY file_id ORDER BY reads DESC, file_id LIMIT $limit
    """,
}


def main() -> None:
    asked, *waiting = split_parts(sys.stdin.buffer.read())
    question = orjson.loads(asked)
    with TemporaryDirectory(prefix="docstore-report-") as folder:
        rows = Path(folder, "waiting.json")
        write_rows(waiting, rows)
        sources = [rows_of(rows, EVENTS)]
        if question["files"]:
            paths = ", ".join(f"'{path}'" for path in question["files"])
            sources.append(f"SELECT {', '.join(EVENTS.columns)} FROM read_parquet([{paths}])")
        with connect(question["memory"], Path(folder)) as connection:
            connection.execute(f"CREATE VIEW events AS {' UNION ALL '.join(sources)}")
            parameters = {name: question[name] for name in ("begin", "end", "limit")}
            parameters |= {name: parameters[name].removesuffix("Z") for name in ("begin", "end")}
            response = connection.execute(REPORTS[question["report"]], parameters)
            names = [column[0] for column in response.description or ()]
            items = [dict(zip(names, row, strict=True)) for row in response.fetchall()]
    sys.stdout.buffer.write(orjson.dumps(items))


if __name__ == "__main__":
    main()
