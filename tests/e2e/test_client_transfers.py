"""Transfers of the Python client: large files in blocks, small files in packs, many at once."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deployments import Bucket, Deployment
from people import PASSWORD, Person, SignUp

from docstore_client import ApiError, AsyncClient, Source, Wanted
from docstore_client.blocks.chunking import blocks_of
from docstore_client.models import File

pytestmark = pytest.mark.connected

MIB = 1 << 20


@pytest.fixture
async def client(deployment: Deployment, grace: Person) -> AsyncIterator[AsyncClient]:
    """Grace's client: someone with room for large files."""
    async with AsyncClient(deployment.gateway) as client:
        await client.log_in(grace.email, PASSWORD)
        yield client


def local_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def stored(bucket: Bucket, account_id: str, form: str) -> set[str]:
    """Names of an account's blocks or packs in the store."""
    prefix = f"accounts/{account_id}/{form}/"
    return {key.removeprefix(prefix) for key in await bucket.keys(account_id) if key.startswith(prefix)}


async def test_a_change_sends_and_fetches_what_changed(
    client: AsyncClient, grace: Person, bucket: Bucket, tmp_path: Path
) -> None:
    """Inserted into the middle of a file: few new blocks there; the device with the old copy fetches as few."""
    content = random.Random(6).randbytes(6 * MIB)  # where blocks are cut is up to the content
    path = local_file(tmp_path / "here", content)
    first = await client.upload(Source(path, "/large.bin"))
    before = await stored(bucket, grace.id, "blocks")
    assert {name.partition(".")[0] for name in before} == {block.hash for block in blocks_of(path)}
    changed = content[: 3 * MIB] + b"inserted" * 1000 + content[3 * MIB :]
    local_file(path, changed)
    second = await client.upload(Source(path, "/large.bin", base_version=1))
    new = (await stored(bucket, grace.id, "blocks")) - before
    assert (second.id, second.version, second.size) == (first.id, 2, len(changed))
    assert 0 < len(new) < len(before)
    there = local_file(tmp_path / "there", content)
    await client.download(second, there)
    await client.download(second, tmp_path / "old", version=1, old=there)
    assert (there.read_bytes(), (tmp_path / "old").read_bytes()) == (changed, content)


@pytest.mark.parametrize(("count", "size"), [(1, 100), (3, 100), (1, 5 * MIB)], ids=["one", "pack", "blocks"])
async def test_files_keep_their_dates(client: AsyncClient, tmp_path: Path, count: int, size: int) -> None:
    """The modification time travels with the content: to the answer, each version, a copy, and back to a disk."""
    dates = [datetime(2001, 2, 3, 4, 5, 6, 789_000, UTC) + timedelta(days=number) for number in range(count)]
    sources = []
    for number, date in enumerate(dates):
        path = local_file(tmp_path / f"{number}", os.urandom(size))
        os.utime(path, (date.timestamp(), date.timestamp()))
        sources.append(Source(path, f"/dated-{count}-{size}/{number}"))
    files = [file for file in await client.upload_many(sources) if isinstance(file, File)]
    assert [file.client_modified_at for file in files] == dates
    await client.upload(Source(local_file(tmp_path / "newer", b"newer"), file_id=files[0].id, base_version=1))
    restored = await client.restore_version(files[0].id, 1)
    assert restored.client_modified_at == dates[0]
    copy = await client.copy(files[0].id, f"/copy-{count}-{size}")
    wanted = [Wanted(file, tmp_path / f"back-{file.name}") for file in [restored, *files[1:], copy]]
    assert await client.download_many(wanted) == [None] * len(wanted)
    assert [each.local.stat().st_mtime for each in wanted] == [date.timestamp() for date in [*dates, dates[0]]]


async def test_small_files_travel_together(client: AsyncClient, grace: Person, bucket: Bucket, tmp_path: Path) -> None:
    """60 files are one object; they come back as they went, and next versions go the same way."""
    paths = [local_file(tmp_path / f"{number}", os.urandom(number * 50)) for number in range(60)]
    sent = await client.upload_many([Source(path, f"/many/{path.name}") for path in paths])
    files = [file for file in sent if isinstance(file, File)]
    assert [file.size for file in files] == [number * 50 for number in range(60)]
    assert len(await stored(bucket, grace.id, "packs")) == 1
    wanted = [Wanted(file, tmp_path / f"back-{file.name}") for file in files]
    assert await client.download_many(wanted) == [None] * 60
    assert all((tmp_path / f"back-{path.name}").read_bytes() == path.read_bytes() for path in paths)
    for path in paths[:3]:
        local_file(path, b"second version of it")
    again = await client.upload_many([Source(p, f"/many/{p.name}", base_version=1) for p in paths[:3]])
    assert [file.version for file in again if isinstance(file, File)] == [2, 2, 2]


async def test_shared_files_appear_and_disappear(
    deployment: Deployment, client: AsyncClient, grace: Person, sign_up: SignUp, tmp_path: Path
) -> None:
    """An editor reads slices of the owner's pack and the owner's blocks, and small files of theirs are in no pack."""
    ada = await sign_up("ada")
    sizes = {"a": 100, "b": 200, "large": 5 * MIB}
    paths = [local_file(tmp_path / name, os.urandom(size)) for name, size in sizes.items()]
    folder = await client.make_folder("/ours")
    await client.upload_many([Source(path, f"/{path.name}", parent_id=folder.id) for path in paths])
    await grace.share({"id": folder.id}, ada, "editor")
    async with AsyncClient(deployment.gateway) as other:
        await other.log_in(ada.email, PASSWORD)
        files = await other.list_folder(parent_id=folder.id)
        wanted = [Wanted(file, tmp_path / f"back-{file.name}") for file in files]
        assert await other.download_many(wanted) == [None] * 3
        assert all((tmp_path / f"back-{path.name}").read_bytes() == path.read_bytes() for path in paths)
        sent = await other.upload_many([Source(p, f"/from-ada-{p.name}", parent_id=folder.id) for p in paths])
        assert [file.owner_id for file in sent if isinstance(file, File)] == [grace.id] * 3


async def test_the_same_file_twice_at_once_is_stored_once(
    client: AsyncClient, grace: Person, bucket: Bucket, tmp_path: Path
) -> None:
    """Two uploads of one file at once, on one account: both are whole, each block was stored once."""
    path = local_file(tmp_path / "large", os.urandom(6 * MIB))
    files = await asyncio.gather(*(client.upload(Source(path, f"/copy-{number}")) for number in range(2)))
    assert {file.sha256 for file in files} == {files[0].sha256}
    assert len(await stored(bucket, grace.id, "blocks")) == len(blocks_of(path))


async def test_a_large_file_that_does_not_fit_is_not_sent(
    client: AsyncClient, grace: Person, bucket: Bucket, tmp_path: Path, small_limits: None
) -> None:
    """Refused before a byte has moved."""
    path = local_file(tmp_path / "large", bytes(40 * MIB))
    with pytest.raises(ApiError) as refused:
        await client.upload(Source(path, "/large"))
    assert refused.value.code == "over_quota"
    assert await stored(bucket, grace.id, "blocks") == set()
