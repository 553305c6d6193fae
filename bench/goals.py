"""What figures shall reach, by the beginnings of their rows: on two cores, with the embedded stack."""

GOALS = {
    "4 KiB files one by one": "300/s",
    "4 KiB files by WebDAV": "300/s",
    "CPU of one PUT": "10 ms",
    "CPU of one file": "10 ms",
    "initiate, p50": "4 ms",
    "complete, p50": "8 ms",
    "4 KiB files through batch upload": "1,000/s",
    "10,000 files of 4 KiB in packs": "0.4",
    "upload-completed to counted": "30 ms, p50",
    "upload-completed to searchable": "60 ms, p50",
    "upload-completed to mailed": "80 ms, p50",
    "events through consume path": "0.9",
    "memory when idle": "350 MiB",
    "memory after": "450 MiB",
    "CPU when idle": "1 %",
    "CPU idle after": "1.5 %",
    "ready on an existing folder": "2.5 s",
    "recovery": "3 s",
    "10,000 files of 4 KiB: first sync to a second device": "0.15 of Syncthing",
    "1 GiB new, in blocks": "1.1 of s5cmd",
    "512 MiB with 1 MiB inserted": "0.5 of rsync",
    "2 pairs of custom metadata: all": "3 %",
    "growth of": "1.1 times",
    "a search among": "100 ms, p99",
    "a search during a rebuild": "100 ms, p99",
}


def goal_of(what: str) -> str:
    """Return the goal of a row; empty if it has none."""
    return next((goal for beginning, goal in GOALS.items() if what.startswith(beginning)), "")
