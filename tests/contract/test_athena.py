"""The shipped Athena files fit the archive: Athena itself can't be had here, its SQL is parsed and run by others."""

import json
import re
from pathlib import Path

import pytest
import sqlglot

from docstore_analytics.archive.columns import COLUMNS
from docstore_analytics.archive.rules import PREFIX
from docstore_cli.archive_query import CALLS
from docstore_events.catalogue.event import EVENT_TYPES

ATHENA = Path(__file__).parents[2] / "deploy" / "athena"
TABLES = (ATHENA / "tables.sql").read_text("utf-8")
QUERIES = [each.strip() for each in (ATHENA / "queries.sql").read_text("utf-8").split(";") if each.strip()]
TYPES = {"VARCHAR": "string", "TIMESTAMP": "timestamp", "BIGINT": "bigint"}
ROWS = """
    SELECT 'e1', 'upload-completed', 'upload', TIMESTAMP '2026-11-02 12:00:00', 's', 1, 'ann', 'ann', 'f', 10, '{}',
        '2026-11-02'
    UNION ALL SELECT 'e2', 'file-created', 'metadata', TIMESTAMP '2026-11-02 12:00:01', 's', 2, 'ann', 'bea',
        '01a206b4e52b77c7a40faf4788e4f6e0', 10, '{}', '2026-11-02'
    UNION ALL SELECT 'e3', 'api-called', 'gateway', TIMESTAMP '2026-11-02 12:00:02', 's', 3, NULL, NULL, NULL, NULL,
        '{"calls": [{"at": "2026-11-02T12:00:02Z", "route": "/v1/files", "status": 403, "read": ["f"]}]}', '2026-11-02'
"""


def test_the_table_has_the_columns_of_the_archive() -> None:
    """In the same order and of the same types, over the archive's prefix."""
    declared = TABLES.split("docstore.events (")[1].split(")\nPARTITIONED")[0]
    assert re.findall(r"(\w+) (\w+)", declared) == [(name, TYPES[kind]) for name, kind in COLUMNS.items()]
    assert f"/{PREFIX}/'" in TABLES


def test_every_statement_is_sql_of_athena() -> None:
    """A parser of its dialect understands all of them."""
    assert len(sqlglot.parse(TABLES.strip().removesuffix(";"), dialect="athena")) == 3
    for query in QUERIES:
        assert sqlglot.parse_one(query, dialect="athena")


def test_the_view_of_calls_has_the_columns_of_the_command() -> None:
    """And the day, by which Athena finds the files to read."""
    view = sqlglot.parse(TABLES.strip().removesuffix(";"), dialect="athena")[2]
    assert view is not None
    command = sqlglot.parse_one(CALLS, dialect="duckdb")
    assert [name for name in view.expression.named_selects if name != "day"] == command.named_selects


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0].removeprefix("-- "))
def test_every_example_finds_something(query: str) -> None:
    """On a table with an event for each, by another engine; it reads only the days that it names."""
    import duckdb

    assert "day BETWEEN" in query
    assert all(event_type in EVENT_TYPES for event_type in re.findall(r"type = '([\w-]+)'", query))
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA docstore")
        columns = ", ".join((*COLUMNS, "day"))
        connection.execute(f"CREATE TABLE docstore.events AS SELECT * FROM ({ROWS}) AS t ({columns})")
        calls = CALLS.replace("FROM events", "FROM docstore.events")
        connection.execute(
            f"CREATE VIEW docstore.calls AS SELECT c.*, day FROM ({calls}) c JOIN docstore.events ON id = event_id"
        )
        assert connection.execute(query).fetchall()


def test_the_workgroup_bounds_every_query() -> None:
    """In bytes scanned, whatever the client asks for."""
    configuration = json.loads((ATHENA / "workgroup.json").read_bytes())["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] <= 10**10
