"""Attack: make the server fill its memory with ZIPs of very many files."""

import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from people import Person
from stacks import DetachedStack

from docstore_metadata.tree.name_order import order_of
from docstore_metadata.versions.documents import version_id
from docstore_metadata.zips.delivery import EACH
from docstore_platform.mongodb.client import Collection, Mongo
from docstore_platform.testing import eventually
from docstore_standalone.credentials import load_credentials
from docstore_standalone.embedded.mongo_users import operator_url

pytestmark = pytest.mark.attack

FILES = 100_000
CONTENT = b"0123456789abcdef" * 64
MIB = 1 << 20
MORE_BYTES = 64 * MIB
"""By how much the process may grow meanwhile: less than the ZIP has, and the same however many files there are."""


@pytest.fixture
async def folder(stack: DetachedStack, ada: Person) -> str:
    """Ada's folder of 100,000 files, which all have one content: written to the database, since that takes seconds."""
    upload = await ada.begin("/many/0", len(CONTENT))
    await ada.put_once(upload["put"], CONTENT)
    file = await ada.complete(upload)
    mongo = Mongo(operator_url(stack.state.addresses["mongodb"], load_credentials(stack.data)), app_name="attack-tests")
    try:
        database = mongo.database("docstore_metadata")
        node = await database["nodes"].find_one({"_id": file["id"]})
        version = await database["versions"].find_one({"node": file["id"]})
        assert node is not None
        assert version is not None
        ids = {str(number): f"{file['id']}-{number}" for number in range(1, FILES)}
        nodes = ({**node, "_id": id_, "name": name, "order": order_of("file", name)} for name, id_ in ids.items())
        await _insert(database["nodes"], nodes)
        versions = ({**version, "_id": version_id(id_, 1), "node": id_} for id_ in ids.values())
        await _insert(database["versions"], versions)
    finally:
        mongo.close()
    return str(file["parent_id"])


async def _insert(collection: Collection, rows: Iterator[dict[str, Any]]) -> None:
    while some := list(islice(rows, 5000)):
        await collection.insert_many(some, ordered=False)


@asynccontextmanager
async def zip_of(ada: Person, folder: str) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"authorization": f"Bearer {ada.access_token}"}
    async with (
        aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=None, sock_read=60)) as client,
        client.get(f"{ada.gateway}/v1/files/{folder}/zip") as response,
    ):
        yield response


def _forget_peak(process_id: int) -> None:
    """Let the peak count from now on."""
    Path(f"/proc/{process_id}/clear_refs").write_text("5")


def _peak(process_id: int) -> int:
    """The most memory that was resident at a time."""
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)["VmHWM"].removesuffix("kB")) * 1024


async def test_a_zip_of_100_000_files_takes_bounded_memory(
    stack: DetachedStack, ada: Person, folder: str, tmp_path: Path
) -> None:
    """Cancelled in the middle more often than may run at once, then read to its end: all files are in it."""
    services = stack.process("services")
    before = services.memory_info().rss
    _forget_peak(services.pid)
    for _ in range(EACH + 1):

        async def some() -> bool:
            """Whether it was sent; 429 while a cancelled one has not ended."""
            async with zip_of(ada, folder) as response:
                if response.status == 429:
                    return False
                assert response.status == 200
                await response.content.readexactly(int(response.headers["content-length"]) // 4)
                return True

        await eventually(some, seconds=60)
    whole = tmp_path / "many.zip"
    async with zip_of(ada, folder) as response:
        assert response.status == 200
        with whole.open("wb") as file:
            async for part in response.content.iter_chunked(MIB):
                file.write(part)
        assert whole.stat().st_size == int(response.headers["content-length"])
    more = _peak(services.pid) - before
    with zipfile.ZipFile(whole) as archive:
        assert set(archive.namelist()) == {"many/", *(f"many/{number}" for number in range(FILES))}
        assert archive.read("many/99999") == CONTENT
    assert more < MORE_BYTES, f"{more // MIB} MiB more"
