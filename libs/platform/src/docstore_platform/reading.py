"""Headers by which a service reports to the gateway whose file contents an answer hands out.

By a header that the gateway takes out again: it is for the audit log and the count of downloads, not for clients.
"""

from collections.abc import Iterable, Sequence

from fastapi.responses import Response

READ_HEADER = "docstore-read"
IDS_A_HEADER = 200
"""Servers and clients refuse a header of more than 8 KB."""

_RAW_NAME = READ_HEADER.encode()


def telling_read(response: Response, file_ids: Sequence[str]) -> Response:
    """The answer, with these files as what is read by it; each as often as it is named."""
    for start in range(0, len(file_ids), IDS_A_HEADER):
        response.headers.append(READ_HEADER, " ".join(file_ids[start : start + IDS_A_HEADER]))
    return response


def take_read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], tuple[str, ...]]:
    """Split the headers: those for the client, and the files that are read."""
    kept: list[tuple[bytes, bytes]] = []
    read: list[str] = []
    for name, value in headers:
        if name == _RAW_NAME:
            read += value.decode("latin-1").split()
        else:
            kept.append((name, value))
    return kept, tuple(read)
