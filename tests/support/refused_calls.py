"""Many calls that are refused at the gateway because no one is logged in."""

import asyncio

from yarl import URL

from docstore_platform.ids import new_id

CONNECTIONS = 16
HEAD_END = b"\r\n\r\n"


async def refused_calls(gateway: str, number: int) -> None:
    """Each wants to delete a file. On few connections, as fast as the gateway answers."""
    url = URL(gateway)
    each = number // CONNECTIONS
    await asyncio.gather(*(_on_one_connection(url, each) for _ in range(CONNECTIONS)))


async def _on_one_connection(url: URL, number: int) -> None:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    request = f"DELETE /v1/files/{new_id()} HTTP/1.1\r\nHost: {url.authority}\r\n\r\n".encode()
    for _ in range(number):
        writer.write(request)
        head = await reader.readuntil(HEAD_END)
        assert head.startswith(b"HTTP/1.1 401 "), head
        (length,) = (line for line in head.lower().splitlines() if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()
