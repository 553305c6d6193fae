"""Bodies of requests, read as they arrive."""

import hashlib
from collections.abc import Sequence

import pytest
from starlette.types import Message

from docstore_gateway.dav.uploads.body import Adler32, Body, Checksum
from docstore_platform.errors import DomainError
from docstore_platform.http.body_limits import ClientGone


def body_of(parts: Sequence[bytes], checksum: Checksum | None = None, *, gone: bool = False) -> Body:
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0)

    return Body(receive, checksum)


async def test_a_body_is_cut_where_parts_end() -> None:
    """Whatever the pieces are in which it arrives."""
    body = body_of([b"abc", b"", b"defgh", b"i"])
    assert await body.read(4) == b"abcd"
    assert b"".join([part async for part in body.stream(3)]) == b"efg"
    assert not await body.is_over()
    assert await body.read(100) == b"hi"
    assert await body.is_over()
    assert body.size == 9


async def test_a_client_that_leaves_has_sent_no_body() -> None:
    """Nothing of it may be stored."""
    body = body_of([b"abc"], gone=True)
    with pytest.raises(ClientGone):
        await body.read(10)


async def test_a_checksum_is_that_of_all_bytes() -> None:
    """Of each type that ownCloud's clients send; another value is an error."""
    content = b"some bytes"
    for name, digest in (
        ("SHA1", hashlib.sha1(content)),
        ("md5", hashlib.md5(content)),
        ("SHA256", hashlib.sha256(content)),
    ):
        checksum = Checksum(f"{name}:{digest.hexdigest()}")
        await body_of([content[:3], content[3:]], checksum).read(100)
        checksum.check()
    adler = Adler32()
    adler.update(content)
    wrong = Checksum(f"ADLER32:{adler.hexdigest()}")
    await body_of([content, b"!"], wrong).read(100)
    with pytest.raises(DomainError, match="checksum_mismatch"):
        wrong.check()


@pytest.mark.parametrize("header", ["SHA1", "SHA1:", "CRC:1", ":1"])
def test_an_unknown_checksum_is_refused(header: str) -> None:
    """Rather than stored without a check."""
    with pytest.raises(DomainError, match="invalid_checksum"):
        Checksum(header)
