"""The folder of temporary files, over the service's starts."""

import os
from pathlib import Path

import pytest
from media_world import World

pytestmark = pytest.mark.connected


async def test_a_start_empties_the_folder_and_keeps_it(world: World, tmp_path: Path) -> None:
    """What killed workers left goes; the folder itself, where a volume may be mounted, is not made again."""
    left = world.folder / "docstore-worker-killed"
    left.mkdir(parents=True)
    (left / "content").write_bytes(b"half")
    (world.folder / "half a download").write_bytes(b"half")
    (world.folder / "link").symlink_to(elsewhere := tmp_path / "elsewhere")
    elsewhere.mkdir()
    (elsewhere / "kept").write_bytes(b"")
    held = os.open(world.folder, os.O_RDONLY)  # while it is open its inode is no one else's
    try:
        async with world.media():
            assert list(world.folder.iterdir()) == []
            assert (elsewhere / "kept").exists()
            assert os.path.samestat(os.fstat(held), world.folder.stat())
    finally:
        os.close(held)
