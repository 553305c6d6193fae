"""Locks and properties, on fakes: who is refused, what ends a lock, what is kept."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from metadata_fakes import Desk

from docstore_contracts.annotations import Lock
from docstore_metadata.annotations.rules import MAX_LOCKS, MAX_PROPERTIES, with_changes
from docstore_metadata.annotations.service import AnnotationService
from docstore_metadata.commits.rules import Outcome, UploadIntent
from docstore_metadata.commits.targets import Target, resolve
from docstore_metadata.errors import Locked, NotFound, PreconditionFailed, ReadOnly, TooLarge
from docstore_metadata.tree.rules import Node
from docstore_platform.errors import Forbidden


@pytest.fixture
def annotations(desk: Desk) -> AnnotationService:
    return AnnotationService(desk.store, desk.tree, desk.transactor, clock=desk.clock)


@pytest.fixture
def lock(desk: Desk, annotations: AnnotationService) -> Any:
    """Takes a lock of the caller, whose token is its name."""

    async def take(node: Node, token: str = "t", account_id: str = "", **other: Any) -> Lock:
        wish = {"exclusive": True, "deep": False, "seconds": 60, "owner": "", **other}
        return await annotations.lock(
            {"account_id": account_id or desk.caller.account_id, "file_id": node.id, "token": token, **wish}  # type: ignore[typeddict-item]
        )

    return take


async def outcome(desk: Desk, path: str, tokens: Sequence[str] = (), **wish: Any) -> Outcome:
    intent = UploadIntent(account_id=desk.caller.account_id, path=path, lock_tokens=tokens, **wish)
    (target,) = await resolve(desk.tree, [intent])
    assert isinstance(target, Target)
    return target.outcome(intent, desk.clock())


async def file(desk: Desk, path: str) -> Node:
    """A file: a folder that is turned into one."""
    node = await desk.folder(path)
    stored = desk.fakes.nodes.by_id[node.id]
    stored.kind, stored.version = "file", 1
    return replace(stored)


async def test_what_is_locked_is_changed_with_its_token_only(desk: Desk, lock: Any) -> None:
    """Rename, tags and deletion; by the account that locked it, too."""
    folder = await desk.folder("/a")
    await lock(folder)
    for change in ({"name": "b"}, {"tags": ["x"]}):
        with pytest.raises(Locked):
            await desk.files.edit(desk.caller, folder.id, None, **change)
    with pytest.raises(Locked):
        await desk.trash.put_in(desk.caller, folder.id, None)
    await desk.files.edit(desk.caller, folder.id, None, tags=["x"], lock_tokens=["t"])
    await desk.trash.put_in(desk.caller, folder.id, None, ["t"])


async def test_a_lock_on_a_folder_covers_its_names_and_a_deep_one_all_in_it(desk: Desk, lock: Any) -> None:
    """A shallow one lets the contents of files change."""
    folder, inner = await desk.folder("/a"), await desk.folder("/a/b")
    await file(desk, "/a/file")
    await lock(folder)
    assert await outcome(desk, "/a/file") is Outcome.NEXT_VERSION
    for refused in (outcome(desk, "/a/new"), desk.files.make_folder(desk.caller, "/a/c")):
        with pytest.raises(Locked):
            await refused
    await desk.folder("/a/b/deeper")
    await desk.files.edit(desk.caller, inner.id, None, tags=["x"])
    with pytest.raises(Locked):
        await desk.files.edit(desk.caller, inner.id, None, name="z")
    await desk.folder("/d/e/f")
    await lock((await desk.files.get_by_path(desk.caller, "/d")).node, deep=True)
    with pytest.raises(Locked):
        await desk.files.make_folder(desk.caller, "/d/e/f/g")


async def test_an_upload_to_a_locked_file_becomes_a_conflicted_copy(desk: Desk, lock: Any) -> None:
    """Or is refused, if the client wants that, or the folder is locked as well: nothing is overwritten."""
    node = await file(desk, "/a/file")
    await lock(node)
    assert await outcome(desk, "/a/file") is Outcome.CONFLICTED_COPY
    assert await outcome(desk, "/a/file", ["t"]) is Outcome.NEXT_VERSION
    with pytest.raises(Locked):
        await outcome(desk, "/a/file", on_conflict="fail")
    await lock((await desk.files.get_by_path(desk.caller, "/a")).node, "other")
    with pytest.raises(Locked):
        await outcome(desk, "/a/file")


async def test_a_lock_ends_by_time_release_move_and_deletion(
    desk: Desk, lock: Any, annotations: AnnotationService
) -> None:
    """After each of them it is in no one's way."""
    folder = await desk.folder("/a")
    await lock(folder, seconds=10)
    desk.clock.pass_time(seconds=11)
    await desk.files.edit(desk.caller, folder.id, None, name="b")
    await lock(folder)
    await annotations.unlock(desk.caller.account_id, folder.id, "t")
    await desk.files.edit(desk.caller, folder.id, None, name="c")
    await lock(folder)
    await desk.files.edit(desk.caller, folder.id, None, name="d", lock_tokens=["t"])
    await desk.files.edit(desk.caller, folder.id, None, name="e")


async def test_locks_exclude_each_other_unless_both_are_shared(desk: Desk, lock: Any) -> None:
    """On the same, above and below; a repeated request takes no second one."""
    folder, inner = await desk.folder("/a"), await desk.folder("/a/b")
    first = await lock(inner)
    assert await lock(inner) == first
    for wish in ({"node": inner, "exclusive": False}, {"node": folder, "deep": True}):
        with pytest.raises(Locked):
            await lock(wish.pop("node"), "second", **wish)
    await lock(folder, "shallow")
    shared = await desk.folder("/s")
    for number in range(MAX_LOCKS):
        await lock(shared, f"shared {number}", exclusive=False)
    with pytest.raises(TooLarge, match="too_many_locks"):
        await lock(shared, "one more", exclusive=False)
    with pytest.raises(Locked):
        await lock(shared, "alone")


async def test_a_folder_with_something_locked_is_neither_moved_nor_deleted(desk: Desk, lock: Any) -> None:
    """Its locked contents would move with it."""
    folder, inner = await desk.folder("/a"), await desk.folder("/a/b/c")
    await lock(inner)
    with pytest.raises(Locked):
        await desk.files.edit(desk.caller, folder.id, None, name="z")
    with pytest.raises(Locked):
        await desk.trash.put_in(desk.caller, folder.id, None)
    await desk.files.edit(desk.caller, folder.id, None, name="z", lock_tokens=["t"])


async def test_a_lock_is_renewed_by_its_holder(desk: Desk, lock: Any, annotations: AnnotationService) -> None:
    """Also by way of something that it covers."""
    folder, inner = await desk.folder("/a"), await desk.folder("/a/b")
    taken = await lock(folder, deep=True)
    renewed = await annotations.refresh(desk.caller.account_id, inner.id, ["t"], 600)
    assert (renewed["file_id"], renewed["expires_at"] > taken["expires_at"]) == (folder.id, True)
    with pytest.raises(PreconditionFailed):
        await annotations.refresh(desk.caller.account_id, inner.id, ["other"], 600)


async def test_only_who_may_write_locks_and_only_the_holder_or_the_owner_unlocks(
    desk: Desk, lock: Any, annotations: AnnotationService
) -> None:
    """A viewer takes no lock; other accounts do not learn that the file exists."""
    desk.sign_up("bob", "cleo")
    await desk.share("/team", "bob@example.com")
    folder = (await desk.files.get_by_path(desk.caller, "/team")).node
    with pytest.raises(NotFound):
        await lock(folder, account_id="cleo")
    desk.fakes.nodes.by_id[folder.id].shared_with = {"bob": "viewer"}
    with pytest.raises(ReadOnly):
        await lock(folder, account_id="bob")
    desk.fakes.nodes.by_id[folder.id].shared_with = {"bob": "editor", "cleo": "editor"}
    await lock(folder, account_id="bob")
    with pytest.raises(Locked):
        await desk.files.edit(desk.caller, folder.id, None, tags=["x"], lock_tokens=["t"])
    with pytest.raises(Forbidden, match="not_your_lock"):
        await annotations.unlock("cleo", folder.id, "t")
    await annotations.unlock(desk.caller.account_id, folder.id, "t")


async def test_properties_are_kept_and_follow_their_file(desk: Desk, annotations: AnnotationService) -> None:
    """They are read with a folder's contents; a locked file keeps them."""
    node = await desk.folder("/a/b")
    me = desk.caller.account_id
    await annotations.change_properties(me, node.id, [("{x}a", "<a/>"), ("{x}b", "<b/>"), ("{x}a", None)], [])
    await desk.files.edit(desk.caller, node.id, None, name="c")
    assert node.parent_id is not None
    found = await annotations.read(me, [node.id], node.parent_id)
    assert found == {node.id: {"locks": [], "properties": [{"name": "{x}b", "xml": "<b/>"}]}}
    assert await annotations.read("eve", [node.id], node.parent_id) == {}


def test_properties_are_bounded() -> None:
    """In number and in bytes, of one file together."""
    with pytest.raises(TooLarge, match="too_many_properties"):
        with_changes((), [(f"{{x}}{number}", "<a/>") for number in range(MAX_PROPERTIES + 1)])
    with pytest.raises(TooLarge, match="too_many_properties"):
        with_changes((), [("{x}a", "a" * 100_000)])


async def test_a_replaced_file_is_in_the_trash(desk: Desk) -> None:
    """A move that replaces is one step: the name is never free."""
    old, new = await desk.folder("/old"), await desk.folder("/new")
    moved = await desk.files.edit(desk.caller, new.id, None, name="old", replace=old.id)
    assert moved.path == "/old"
    assert desk.fakes.nodes.by_id[old.id].trashed_at is not None
