"""Process that converts packed rows to Parquet: rows on stdin, the file on stdout.

The same rows give the same file.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docstore_analytics.archive.columns import TABLES
from docstore_analytics.processes.duck import connect, rows_of, write_rows
from docstore_analytics.processes.framing import split_parts

ROW_GROUP = 50_000


def main() -> None:
    memory, name, *packed = split_parts(sys.stdin.buffer.read())
    with TemporaryDirectory(prefix="docstore-segment-") as folder:
        rows, parquet = Path(folder, "rows.json"), Path(folder, "rows.parquet")
        write_rows(packed, rows)
        with connect(int(memory), Path(folder)) as connection:
            table = rows_of(rows, TABLES[name.decode()])
            connection.execute(
                f"COPY ({table}) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            )
        sys.stdout.buffer.write(parquet.read_bytes())


if __name__ == "__main__":
    main()
