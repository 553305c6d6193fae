"""Attack: someone gets the disk and looks for what people have stored."""

import asyncio
import secrets
from pathlib import Path

import pytest
from people import Person, SignUp
from stacks import DetachedStack

from docstore_platform.testing import eventually

pytestmark = pytest.mark.attack

OVERLAP = 1 << 10
CHUNK = 1 << 20


def files_with(folder: Path, wanted: bytes) -> list[str]:
    """Files below `folder` that contain these bytes. Servers may delete and replace files meanwhile."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and contains(path, wanted)]


def contains(path: Path, wanted: bytes) -> bool:
    end = b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                if wanted in end + chunk:
                    return True
                end = chunk[-OVERLAP:]
    except FileNotFoundError:
        pass
    return False


def sentence() -> bytes:
    """One that no compression shortens."""
    return " ".join(secrets.token_hex(6) for _ in range(8)).encode()


async def test_no_content_is_on_the_disk_in_clear(stack: DetachedStack, sign_up: SignUp) -> None:
    """Neither in the store nor in the index or database of extracted texts; names are: that this is seen is the proof
    that the search would find it."""
    reader = await sign_up("reader", plan="premium")
    short, long, in_blocks = sentence(), sentence(), sentence()
    name = f"{secrets.token_hex(16)}.txt"
    await reader.upload(f"/{name}", short)
    await reader.upload("/long.txt", long + b" and so on" * 100_000)
    await reader.upload_blocks("/in blocks.txt", [in_blocks + b" the first", b" and the second"])
    for words, path in ((short, f"/{name}"), (long, "/long.txt"), (in_blocks, "/in blocks.txt")):
        await reader.found(words.split()[0].decode(), path, **{"in": "content"})
    await _is_found(stack.data, name.encode())
    for words in (short, long, in_blocks):
        assert await asyncio.to_thread(files_with, stack.data, words) == []


async def _is_found(folder: Path, wanted: bytes) -> None:
    """Wait until the database has written it to the disk."""

    async def found() -> list[str]:
        return await asyncio.to_thread(files_with, folder, wanted)

    await eventually(found)


async def test_the_snippet_is_still_shown(sign_up: SignUp) -> None:
    """Encrypted excerpts are decrypted for those who may read the file."""
    reader: Person = await sign_up("reader", plan="premium")
    await reader.upload("/animals.txt", b"A hedgehog sleeps below the leaves of the garden.")
    await reader.found("hedgehog", "/animals.txt", **{"in": "content"})
    [hit] = (await reader.call("GET", "/v1/search?q=hedgehog&in=content"))["items"]
    assert "sleeps below the leaves" in hit["snippet"]
