"""Ends a fault when the process that injected it ends, even by kill -9: it waits for the end of its input.

Run as `python -m docstore_standalone.chaos.guard FILE TABLE PID:STARTED_AT:BOOT ...`; FILE, TABLE (of nft) and BOOT may
be empty.
"""

import sys
from pathlib import Path

from docstore_standalone.chaos.partition import heal
from docstore_standalone.supervision.processes import ProcessId


def main() -> None:
    file, table, *processes = sys.argv[1:]
    print("ready", flush=True)
    sys.stdin.read()
    for each in processes:
        pid, started_at, boot = each.split(":")
        if found := ProcessId(int(pid), float(started_at), boot).find():
            found.resume()
    if file:
        Path(file).unlink(missing_ok=True)
    if table:
        heal(table)


if __name__ == "__main__":
    main()
