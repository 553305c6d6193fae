"""Process that converts packed rows to Parquet: rows on stdin, the file on stdout.

The same rows give the same file.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from docstore_analytics.processes.duck import connect, rows_of, write_rows
from docstore_analytics.processes.framing import split_parts

ROW_GROUP = 50_000


def main() -> None:
    memory, *packed = split_parts(sys.stdin.buffer.read())
    with TemporaryDirectory(prefix="docstore-segment-") as folder:
        rows, parquet = Path(folder, "rows.json"), Path(folder, "rows.parquet")
        write_rows(packed, rows)
        with connect(int(memory), Path(folder)) as connection:
            connection.execute(
                f"COPY ({rows_of(rows)}) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            )
        sys.stdout.buffer.write(parquet.read_bytes())


if __name__ == "__main__":
    main()
