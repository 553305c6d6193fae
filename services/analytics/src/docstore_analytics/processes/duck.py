"""DuckDB with limits, and the archive's rows, for the child processes only."""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from docstore_analytics.archive.columns import Table, unpack


def connect(memory: int, folder: Path) -> duckdb.DuckDBPyConnection:
    """Connect with one thread, this much memory (bytes), and no network."""
    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": f"{memory}B",
            "temp_directory": str(folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )


def write_rows(packed: Iterable[bytes], path: Path) -> None:
    """Write the packed rows as one file of JSON lines."""
    with path.open("wb") as file:
        for part in packed:
            file.write(unpack(part))


def rows_of(path: Path, table: Table) -> str:
    """Return SQL for the rows of a file of JSON lines."""
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in table.columns.items())
    return f"SELECT * FROM read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"
