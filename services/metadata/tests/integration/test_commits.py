"""Commits, on the real servers."""

from typing import Any

import pytest

pytestmark = pytest.mark.connected


async def test_a_commit_makes_the_file_and_its_folders(running: Any) -> None:
    """A commit answers the public file; folders on the way exist; each says file-created with the ancestors."""
    [result] = await running.commit(running.item("/docs/2026/a.txt", b"hello", tags=["x"]))
    file = result["file"]
    assert (file["name"], file["path"], file["size"], file["version"]) == ("a.txt", "/docs/2026/a.txt", 5, 1)
    assert (file["tags"], file["permission"], file["indexed"], file["preview"]) == (["x"], "owner", False, False)
    docs = await running.person.at("/docs")
    year = await running.person.at("/docs/2026")
    assert await running.events(docs["id"]) == ["file-created"]
    created = await running.event(file["id"], "file-created")
    assert created["file"]["ancestors"] == [running.person.account_id, docs["id"], year["id"]]
    assert created["path"] == "/docs/2026/a.txt"
    assert await running.person.get(file) == file
