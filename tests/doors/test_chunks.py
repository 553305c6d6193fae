"""Large files in chunks, as the clients of ownCloud and Nextcloud send them."""

import hashlib
import os

import pytest
from dav_accounts import DavAccount

from docstore_platform.testing import eventually

pytestmark = pytest.mark.doors
MIB = 1 << 20
CHUNK = 5 * MIB


async def test_the_checksum_of_a_file_in_chunks_is_that_of_the_whole(dav: DavAccount) -> None:
    """A wrong one stores nothing, whichever chunk brings it; a right one stores the file."""
    content = os.urandom(2 * CHUNK + 7)
    chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]

    async def send(transfer: int, order: tuple[int, ...], checksum: str) -> list[int]:
        """The statuses of the chunks; the last one, which is not always sent last, has the checksum."""
        statuses = []
        for number in order:
            headers = {"oc_chunked": "1", "oc_total_length": str(len(content))}
            if number == len(chunks) - 1:
                headers["oc_checksum"] = checksum
            path = f"/large-chunking-{transfer}-{len(chunks)}-{number}"
            statuses.append((await dav.request("PUT", path, chunks[number], **headers))[0])
        return statuses

    right = f"SHA256:{hashlib.sha256(content).hexdigest()}"
    wrong = f"SHA256:{hashlib.sha256(b'x').hexdigest()}"
    assert await send(1, (0, 1, 2), wrong) == [201, 201, 400]
    assert await send(2, (2, 0, 1), wrong) == [201, 201, 400]
    assert await send(3, (0, 1, 2), f"MD5:{hashlib.md5(content).hexdigest()}") == [201, 201, 400]
    assert await dav.person.names() == []
    assert await send(4, (2, 1, 0), right) == [201, 201, 201]
    status, headers, body = await dav.request("GET", "/large")
    assert (status, headers["oc-checksum"], body == content) == (200, right, True)

    async def only_one_is_reserved() -> bool:
        return bool((await dav.person.usage())["reserved"] == len(content))

    await eventually(only_one_is_reserved)  # the one that was never completed; the others end by their events
