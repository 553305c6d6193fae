"""The shipped Athena files fit the archive: Athena itself can't be had here, its SQL is parsed and run by others."""

import json
import re
from pathlib import Path

import pytest
import sqlglot

from docstore_analytics.archive.columns import ACCESSES, EVENTS, TABLES, Table
from docstore_cli.commands.admin.archive_query import CALLS
from docstore_events.catalogue.event import EVENT_TYPES

ATHENA = Path(__file__).parents[2] / "deploy" / "athena"
STATEMENTS = (ATHENA / "tables.sql").read_text("utf-8")
QUERIES = [each.strip() for each in (ATHENA / "queries.sql").read_text("utf-8").split(";") if each.strip()]
TYPES = {"VARCHAR": "string", "TIMESTAMP": "timestamp", "BIGINT": "bigint", "BOOLEAN": "boolean"}
ROWS = """
    SELECT 'e1', 'upload-completed', 'upload', TIMESTAMP '2026-11-02 12:00:00', 's', 1, 'ann', 'ann', 'f', 10, '{}',
        '2026-11-02'
    UNION ALL SELECT 'e2', 'file-created', 'metadata', TIMESTAMP '2026-11-02 12:00:01', 's', 2, 'ann', 'bea',
        '01a206b4e52b77c7a40faf4788e4f6e0', 10, '{}', '2026-11-02'
    UNION ALL SELECT 'e3', 'api-called', 'gateway', TIMESTAMP '2026-11-02 12:00:02', 's', 3, NULL, NULL, NULL, NULL,
        '{"calls": [{"at": "2026-11-02T12:00:02Z", "route": "/v1/files", "status": 403, "read": ["f"]}]}', '2026-11-02'
"""
ACCESS_ROWS = """
    SELECT 'a1', 's3', TIMESTAMP '2026-11-02 12:00:00', 'b', 'accounts/ann/uploads/u/content', 'content', 'ann',
        'REST.GET.OBJECT', 200, 10, 10, '192.0.2.3', 'r', 'curl', NULL, true, '2026-11-02'
    UNION ALL SELECT 'a2', 's3', TIMESTAMP '2026-11-02 12:00:00', 'b', 'accounts/ann/uploads/u/content', 'content',
        'ann', 'REST.GET.OBJECT', 403, 0, NULL, '192.0.2.3', 'r', 'curl', NULL, false, '2026-11-02'
"""


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_table_has_the_columns_of_the_archive(table: Table) -> None:
    """In the same order and of the same types, over the table's prefix."""
    declaration = STATEMENTS.split(f"docstore.{table.name} (")[1].split(";")[0]
    declared, rest = declaration.split(")\nPARTITIONED")
    assert re.findall(r"(\w+) (\w+)", declared) == [(name, TYPES[kind]) for name, kind in table.columns.items()]
    assert f"/{table.prefix}/'" in rest


def test_every_statement_is_sql_of_athena() -> None:
    """A parser of its dialect understands all of them."""
    assert len(sqlglot.parse(STATEMENTS.strip().removesuffix(";"), dialect="athena")) == 4
    for query in QUERIES:
        assert sqlglot.parse_one(query, dialect="athena")


def test_the_view_of_calls_has_the_columns_of_the_command() -> None:
    """And the day, by which Athena finds the files to read."""
    view = sqlglot.parse(STATEMENTS.strip().removesuffix(";"), dialect="athena")[3]
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
        for table, rows in ((EVENTS, ROWS), (ACCESSES, ACCESS_ROWS)):
            columns = ", ".join((*table.columns, "day"))
            connection.execute(f"CREATE TABLE docstore.{table.name} AS SELECT * FROM ({rows}) AS t ({columns})")
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
