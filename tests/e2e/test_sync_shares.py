"""Syncing shared files: where they appear, and what happens to forbidden changes."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from deployments import Deployment, Mailbox
from synced_folders import tree, write
from verified_emails import verify_email

from docstore_client import AsyncClient
from docstore_client.models import File, Role
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually
from docstore_sync.engine import Engine, Result, engine

PASSWORD = "correct horse battery staple"
AREA = "Shared with me"
pytestmark = pytest.mark.connected


@dataclass
class Member:
    """Someone with one device."""

    email: str
    client: AsyncClient
    folder: Path
    engine: Engine
    mailbox: Mailbox | None
    verified: bool = False

    async def sync(self) -> Result:
        result = await self.engine.sync()
        assert result.in_sync, result
        return result

    async def share(self, path: str, other: "Member", role: Role) -> File:
        """Until the account is known: by its events, once it has proven its address."""
        if not other.verified:
            await verify_email(other.client, other.mailbox, other.email)
            other.verified = True
        file = await self.client.get_by_path(path)

        async def is_active() -> bool:
            return (await self.client.share(file.id, other.email, role)).state == "active"

        await eventually(is_active)
        return file

    async def unshare(self, file: File) -> None:
        for share in (await self.client.shares(file.id)).items:
            await self.client.unshare(file.id, share.id)

    def tree(self) -> dict[str, str | None]:
        return {path: content.decode() if content is not None else None for path, content in tree(self.folder).items()}

    async def there(self) -> set[tuple[str, str | None, int]]:
        """What the server has."""
        return {(file.path, file.sha256, file.version) for file in (await self.client.snapshot()).items}


NewMember = Callable[[str], Awaitable[Member]]


@pytest.fixture
async def member(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NewMember]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with AsyncExitStack() as closing:

        async def new_member(name: str) -> Member:
            email = f"{name}-{new_id()[-10:]}@example.org"
            client = await closing.enter_async_context(AsyncClient(deployment.gateway))
            await client.sign_up(email, PASSWORD)
            await client.log_in(email, PASSWORD, name)
            folder = tmp_path / name
            one = await closing.enter_async_context(engine(folder, client, name))
            return Member(email, client, folder, one, deployment.mailbox)

        yield new_member


@pytest.fixture
async def ada(member: NewMember) -> Member:
    """Has a folder `plans` with two files, synced."""
    ada = await member("ada")
    write(ada.folder / "plans/a.txt", "a")
    write(ada.folder / "plans/sub/b.txt", "b")
    await ada.sync()
    return ada


async def test_a_share_appears_in_its_folder_and_goes_with_its_end(ada: Member, member: NewMember) -> None:
    """All of it under its name; changes of the owner arrive; unshared, it is gone, and so is the folder of shares."""
    grace = await member("grace")
    write(grace.folder / "own.txt", "own")
    await grace.sync()
    file = await ada.share("/plans", grace, "viewer")
    await grace.sync()
    assert grace.tree()[f"{AREA}/plans/sub/b.txt"] == "b"
    write(ada.folder / "plans/a.txt", "edited by ada")
    (ada.folder / "plans/sub").rename(ada.folder / "plans/renamed")
    await ada.sync()
    await grace.sync()
    assert {path: text for path, text in grace.tree().items() if text is not None} == {
        "own.txt": "own",
        f"{AREA}/plans/a.txt": "edited by ada",
        f"{AREA}/plans/renamed/b.txt": "b",
    }
    await ada.unshare(file)
    await grace.sync()
    assert grace.tree() == {"own.txt": "own"}


async def test_read_only_files_are_restored_and_edits_kept(ada: Member, member: NewMember) -> None:
    """An edit becomes a file of one's own; what is deleted, renamed or moved comes back; what is added stays here."""
    grace = await member("grace")
    write(grace.folder / "mine.txt", "mine")
    await ada.share("/plans", grace, "viewer")
    await grace.sync()
    before = await ada.there()
    shared = grace.folder / AREA / "plans"
    write(shared / "a.txt", "edited by grace")
    write(shared / "new.txt", "new")
    (shared / "sub").rename(shared / "moved")
    (grace.folder / "mine.txt").rename(shared / "mine.txt")
    result = await grace.sync()
    assert "new.txt" in " ".join(result.skipped)
    found = grace.tree()
    (copy,) = [path for path in found if "conflicted copy" in path]
    assert ("/" in copy, found[copy]) == (False, "edited by grace")
    assert (found[f"{AREA}/plans/a.txt"], found[f"{AREA}/plans/sub/b.txt"]) == ("a", "b")
    assert (found[f"{AREA}/plans/new.txt"], found[f"{AREA}/plans/moved/b.txt"]) == ("new", "b")
    assert (found["mine.txt"], found[f"{AREA}/plans/mine.txt"]) == ("mine", "mine")
    assert (await grace.client.get_by_path(f"/{copy}")).permission == "owner"
    assert await ada.there() == before
    assert (await grace.sync()).done == 0


async def test_an_editor_edits_adds_renames_and_deletes_what_they_inserted(ada: Member, member: NewMember) -> None:
    """The owner gets all of it; what others inserted comes back when the editor has deleted it."""
    grace = await member("grace")
    await ada.share("/plans", grace, "editor")
    await grace.sync()
    shared = grace.folder / AREA / "plans"
    write(shared / "a.txt", "edited by grace")
    write(shared / "more/new.txt", "new")
    (shared / "sub/b.txt").rename(shared / "sub/c.txt")
    await grace.sync()
    await ada.sync()
    expected = {"plans/a.txt": "edited by grace", "plans/more/new.txt": "new", "plans/sub/c.txt": "b"}
    assert {path: text for path, text in ada.tree().items() if text is not None} == expected
    (shared / "a.txt").unlink()
    shutil.rmtree(shared / "more")
    await grace.sync()
    assert (shared / "a.txt").read_text() == "edited by grace"
    await ada.sync()
    assert ada.tree() == {"plans": None, "plans/sub": None, "plans/a.txt": "edited by grace", "plans/sub/c.txt": "b"}
    assert [item.path for item in (await ada.client.trash()).items] == ["/plans/more"]


async def test_moves_between_ones_own_and_anothers_are_copies_and_lose_nothing(ada: Member, member: NewMember) -> None:
    """Out of a share: a file of one's own, and the shared one is back. Into one: it is the owner's from then on."""
    grace = await member("grace")
    write(grace.folder / "mine.txt", "mine")
    await ada.share("/plans", grace, "editor")
    await grace.sync()
    shared = grace.folder / AREA / "plans"
    (shared / "a.txt").rename(grace.folder / "taken.txt")
    (grace.folder / "mine.txt").rename(shared / "given.txt")
    await grace.sync()
    await grace.sync()
    await ada.sync()
    assert ada.tree() == {"plans": None, "plans/sub": None, "plans/a.txt": "a", "plans/sub/b.txt": "b",
                          "plans/given.txt": "mine"}  # fmt: skip
    assert {path: text for path, text in grace.tree().items() if "/" not in path} == {AREA: None, "taken.txt": "a"}
    assert (shared / "a.txt").read_text() == "a"
    assert (await grace.client.get_by_path("/taken.txt")).permission == "owner"


async def test_an_edit_outlives_the_end_of_its_share(ada: Member, member: NewMember) -> None:
    """What was not sent yet when the share ended is a file of one's own."""
    grace = await member("grace")
    file = await ada.share("/plans", grace, "editor")
    await grace.sync()
    write(grace.folder / AREA / "plans/a.txt", "edited too late")
    await ada.unshare(file)
    await grace.sync()
    assert [text for text in grace.tree().values() if text is not None] == ["edited too late"]
    assert AREA not in grace.tree()


async def test_shares_of_one_name_stand_beside_each_other(ada: Member, member: NewMember) -> None:
    """Two files and a folder of the name of the folder of shares itself: each has a place."""
    grace, eve = await member("grace"), await member("eve")
    for owner in (ada, eve):
        write(owner.folder / "list.txt", f"of {owner.email}")
        await owner.sync()
        await owner.share("/list.txt", grace, "viewer")
    await grace.sync()
    texts = {path: text for path, text in grace.tree().items() if text is not None}
    assert set(texts) == {f"{AREA}/list.txt", f"{AREA}/list (2).txt"}
    assert set(texts.values()) == {f"of {ada.email}", f"of {eve.email}"}
    await grace.client.make_folder(f"/{AREA}")
    await grace.sync()
    assert set(grace.tree()) == {AREA, f"{AREA} (2)", f"{AREA} (2)/list.txt", f"{AREA} (2)/list (2).txt"}


async def test_a_watermark_takes_the_files_away(ada: Member, member: NewMember) -> None:
    """Which were synced before; the folder stays, and without the watermark they are back."""
    grace = await member("grace")
    file = await ada.share("/plans", grace, "viewer")
    await grace.sync()
    assert grace.tree()[f"{AREA}/plans/a.txt"] == "a"
    for watermark, there in (("for {reader}", set()), ("", {f"{AREA}/plans/a.txt", f"{AREA}/plans/sub/b.txt"})):
        await ada.client.share(file.id, grace.email, "viewer", watermark=watermark)
        await grace.sync()
        assert {path for path, text in grace.tree().items() if text is not None} == there
