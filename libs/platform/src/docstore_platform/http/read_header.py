"""Internal header by which the gateway learns which files' contents a response contains.

The gateway removes the header: it is for the audit log and the count of downloads, not for clients.
"""

from collections.abc import Iterable, Sequence

from fastapi.responses import Response

READ_HEADER = "docstore-read"
IDS_A_HEADER = 200
"""Servers and clients refuse headers of more than 8 KB."""

_RAW_NAME = READ_HEADER.encode()


def with_read_files(response: Response, file_ids: Sequence[str]) -> Response:
    """Return the response with the ids of the files it contains; each as often as it is named."""
    for start in range(0, len(file_ids), IDS_A_HEADER):
        response.headers.append(READ_HEADER, " ".join(file_ids[start : start + IDS_A_HEADER]))
    return response


def take_read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], tuple[str, ...]]:
    """Split the headers into those for the client and the read files."""
    kept: list[tuple[bytes, bytes]] = []
    read: list[str] = []
    for name, value in headers:
        if name == _RAW_NAME:
            read += value.decode("latin-1").split()
        else:
            kept.append((name, value))
    return kept, tuple(read)
