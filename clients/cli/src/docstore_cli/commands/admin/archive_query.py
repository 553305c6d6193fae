"""SQL queries of the archive: downloads its Parquet files once and queries them with DuckDB."""

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from docstore_cli.failures import BadUsage
from docstore_client import AsyncClient
from docstore_client.errors import Unreachable, reason_of, store_error
from docstore_client.network.options import DEFAULT
from docstore_client.network.retrying import proxy_for

CALLS = """
    SELECT id AS event_id, CAST(call ->> '$.at' AS TIMESTAMP) AS called_at, call ->> '$.request_id' AS request_id,
        call ->> '$.method' AS method, call ->> '$.route' AS route, call ->> '$.path' AS path,
        CAST(call ->> '$.status' AS INTEGER) AS status, call ->> '$.account_id' AS account_id,
        call ->> '$.client' AS client, call ->> '$.object_id' AS object_id,
        CAST(json_extract(call, '$.read') AS VARCHAR[]) AS read
    FROM (
        SELECT id, unnest(CAST(json_extract(data, '$.calls') AS JSON[])) AS call
        FROM events WHERE type = 'api-called'
    )
"""


MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """What one query may cost."""

    seconds: float
    memory_mb: int
    scan_mb: int
    """Size of the archive files of the period."""


def archive_folder() -> Path:
    """Cache folder of archive files, by day; they never change."""
    from docstore_standalone.settings import StandaloneSettings  # of the server part, as DuckDB is

    return StandaloneSettings().tools / "archive"


def tables_in(sql: str) -> list[str]:
    """Return the tables that a query reads, by the names in it; the view `calls` is made of `events`."""
    words = set(re.findall(r"\w+", sql.lower()))
    return ["accesses"] * ("accesses" in words) + ["events"] * bool(words & {"events", "calls"}) or ["events"]


async def fetch_archive(
    docstore: AsyncClient, tables: Sequence[str], begin: str | None, to: str | None, scan_mb: int
) -> dict[str, list[Path]]:
    """Download the files of these tables and days that are not cached. Return all paths. BadUsage beyond `scan_mb`."""
    files: dict[str, list[Path]] = {}
    for table in tables:
        scan_mb -= await _fetch_table(docstore, table, begin, to, scan_mb, files.setdefault(table, []))
    return files


async def _fetch_table(
    docstore: AsyncClient, table: str, begin: str | None, to: str | None, scan_mb: int, files: list[Path]
) -> int:
    """Add the paths of a table's files; return their size in MiB."""
    folder = archive_folder() / ("" if table == "events" else table)
    size, cursor = 0, None
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=DEFAULT.response_timeout)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        while True:
            params = {"from": begin, "to": to, "limit": 500, "cursor": cursor}
            if table != "events":  # the server's default, also of one before it had others
                params["table"] = table
            page = await docstore.call("GET", "/v1/admin/archive", params=params)
            size += sum(int(item["bytes"]) for item in page["items"])
            if size > scan_mb * MIB:
                raise BadUsage("the archive of this period is larger than --max-scan: shorten it, or raise that")
            for item in page["items"]:
                path = folder / f"day={item['day']}" / f"{item['id']}.parquet"
                if not path.exists():
                    await _fetch(http, item["url"], path)
                files.append(path)
            cursor = page["next_cursor"]
            if cursor is None:
                return -(-size // MIB)


async def _fetch(http: aiohttp.ClientSession, url: str, path: Path) -> None:
    """Download a file atomically, readable only by this user."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        async with http.get(url, proxy=proxy_for(url)) as response:
            if response.status != 200:
                raise await store_error(response)
            content = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(f"the object store can't be reached: {reason_of(error)}") from error
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)


def run_query(sql: str, files: Mapping[str, Sequence[Path]], limits: QueryLimits) -> list[dict[str, Any]]:
    """Run a query. BadUsage if DuckDB refuses the SQL, if it exceeds the limits, or if nothing is archived yet."""
    import duckdb  # 65 MB, of use to this command alone

    for table, paths in files.items():
        if not paths:
            raise BadUsage(f"no archived {table} in this period yet: they are archived within an hour")
    with duckdb.connect() as connection:
        # Without a folder for temporary files, memory is the limit.
        connection.execute(f"SET memory_limit = '{limits.memory_mb}MiB'; SET temp_directory = ''")
        for table, paths in files.items():
            listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
            connection.execute(
                f"CREATE VIEW {table} AS SELECT * FROM read_parquet([{listed}], hive_partitioning = true)"
            )
        if "events" in files:
            connection.execute(f"CREATE VIEW calls AS {CALLS}")
        timer = threading.Timer(limits.seconds, connection.interrupt)
        timer.start()
        try:
            response = connection.execute(sql)
            names = [column[0] for column in response.description or ()]
            return [dict(zip(names, row, strict=True)) for row in response.fetchall()]
        except duckdb.InterruptException:
            raise BadUsage(f"stopped after {limits.seconds:g} s: see --timeout") from None
        except duckdb.OutOfMemoryException:
            raise BadUsage(f"the query needs more than {limits.memory_mb} MiB of memory: see --memory") from None
        except duckdb.Error as error:
            raise BadUsage(str(error)) from None
        finally:
            timer.cancel()
