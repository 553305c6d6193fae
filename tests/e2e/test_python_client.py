"""The Python client against a whole DocStore."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from deployments import Deployment

from docstore_client import ApiError, AsyncClient, Client, Source
from docstore_client.credential_file import CredentialFile
from docstore_platform.ids import new_id

PASSWORD = "correct horse battery staple"
MIB = 1 << 20


def new_email() -> str:
    return f"client-{new_id()[-10:]}@example.org"


@pytest.fixture
async def client(deployment: Deployment) -> AsyncIterator[AsyncClient]:
    """A client of someone who has just signed up."""
    async with AsyncClient(deployment.gateway) as client:
        email = new_email()
        await client.sign_up(email, PASSWORD)
        await client.log_in(email, PASSWORD)
        yield client


def local_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


async def test_a_file_goes_up_changes_and_comes_down_as_it_was(client: AsyncClient, tmp_path: Path) -> None:
    """Upload, next version, history, an old version, download: the bytes are those that were sent."""
    moved: list[int] = []
    first = await client.upload(Source(local_file(tmp_path, "a", b"one"), "/docs/a.txt"), moved.append)
    second = await client.upload(Source(local_file(tmp_path, "a", b"second"), "/docs/a.txt", base_version=1))
    assert (first.version, second.version, sum(moved)) == (1, 2, 3)
    assert [version.version for version in (await client.versions(first.id)).items] == [2, 1]
    await client.download(second, tmp_path / "new")
    await client.download(second, tmp_path / "old", version=1)
    assert ((tmp_path / "new").read_bytes(), (tmp_path / "old").read_bytes()) == (b"second", b"one")
    assert [file.path for file in await client.list_folder("/docs")] == ["/docs/a.txt"]


async def test_many_small_files_take_few_calls_with_an_outcome_each(client: AsyncClient, tmp_path: Path) -> None:
    """One that is refused does not hold up the others; an empty file is a file."""
    sources = [Source(local_file(tmp_path, f"{n}", b"x" * n), f"/many/{n}.bin") for n in range(20)]
    results = await client.upload_many([*sources, Source(tmp_path / "3", "/../escape")])
    assert isinstance(results[-1], ApiError)
    assert results[-1].code == "invalid_path"
    assert [file.size for file in results[:-1] if not isinstance(file, ApiError)] == list(range(20))


async def test_a_large_file_goes_in_parts(client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too large for blocks: in parallel, and as one file with one checksum."""
    monkeypatch.setattr("docstore_client.uploading.object_uploads.MULTIPART_FROM", 6 * MIB)
    monkeypatch.setattr("docstore_client.uploading.uploads.BLOCKS_UP_TO", 0)
    content = os.urandom(7 * MIB)
    file = await client.upload(Source(local_file(tmp_path, "large", content), "/large.bin"))
    await client.download(file, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content


async def test_a_download_goes_on_where_one_was_cut_off(client: AsyncClient, tmp_path: Path) -> None:
    """Only what is missing is fetched; what was damaged meanwhile is noticed and fetched again."""
    content = os.urandom(300_000)
    file = await client.upload(Source(local_file(tmp_path, "source", content), "/cut.bin"))
    part = tmp_path / f".target.{file.id[-8:]}-1.part"
    part.write_bytes(content[:100_000])
    fetched: list[int] = []
    await client.download(file, tmp_path / "target", progress=fetched.append)
    assert (tmp_path / "target").read_bytes() == content
    assert sum(fetched) == 200_000
    part.write_bytes(b"damaged!")
    await client.download(file, tmp_path / "target")
    assert not part.exists()
    assert (tmp_path / "target").read_bytes() == content


async def test_expired_tokens_renew_themselves_once_for_all_calls(deployment: Deployment, tmp_path: Path) -> None:
    """Two clients of one file, ten calls each, with a token that is no longer good: one renewal, twenty answers."""
    store = CredentialFile(tmp_path / "deep" / "session.json")
    email = new_email()
    async with AsyncClient(deployment.gateway, store=store) as client:
        await client.sign_up(email, PASSWORD)
        await client.log_in(email, PASSWORD)
    assert client.credentials == store.load()
    assert client.credentials is not None
    store.save(replace(client.credentials, access_token="expired"))
    async with AsyncClient("", store=store) as one, AsyncClient("", store=store) as other:
        answers = await asyncio.gather(*(each.me() for each in (one, other) * 10))
        assert one.credentials == other.credentials == store.load()
        await one.me()
    assert {answer.email for answer in answers} == {email}
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


async def test_changes_are_waited_for(client: AsyncClient) -> None:
    """A program that follows is notified of a folder as soon as it is created."""
    cursor = (await client.changes()).cursor
    waiting = asyncio.create_task(client.changes(cursor, wait=30))
    folder = await client.make_folder("/news")
    news = await waiting
    assert [(change.type, change.file.id) for change in news.changes] == [("created", folder.id)]


async def test_people_and_links(client: AsyncClient, deployment: Deployment) -> None:
    """Share, see what is shared, make a link, search, follow: each by one call."""
    folder = await client.make_folder("/team")
    async with AsyncClient(deployment.gateway) as other:
        email = new_email()
        await other.sign_up(email, PASSWORD)
        await other.log_in(email, PASSWORD)
        share = await client.share(folder.id, email, "editor")
        assert share.role == "editor"
        link = await client.make_link(folder.id, password="open sesame", max_downloads=1)
        assert link.url is not None
        assert [each.id for each in (await client.links(folder.id)).items] == [link.id]
        subscription = await client.follow(folder.id, "in_app")
        assert [each.id for each in (await client.subscriptions()).items] == [subscription.id]
        await client.unfollow(subscription.id)


def test_code_that_waits_has_the_same_methods(deployment: Deployment, tmp_path: Path) -> None:
    """The sync client in a plain function: upload, list, find, move, delete, restore."""
    with Client(deployment.gateway) as client:
        email = new_email()
        client.sign_up(email, PASSWORD)
        client.log_in(email, PASSWORD)
        file = client.upload(Source(local_file(tmp_path, "plain", b"plain"), "/plain.txt"))
        assert [each.id for each in client.iterate_folder()] == [file.id]
        assert client.find("/nothing.txt") is None
        moved = client.change(file.id, name="renamed.txt", tags=["new"], etag=file.etag)
        assert (moved.path, moved.tags) == ("/renamed.txt", ("new",))
        with pytest.raises(ApiError, match="precondition_failed"):
            client.change(file.id, name="late.txt", etag=file.etag)
        client.delete(file.id)
        assert [each.id for each in client.trash().items] == [file.id]
        assert client.restore(file.id).path == "/renamed.txt"
        assert client.me().usage is not None
