"""Credentials in a file: private, whole, and renewed by one process at a time."""

import asyncio
import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from docstore_client import Credentials
from docstore_client.credential_file import CredentialFile

ANN = Credentials("http://127.0.0.1:1", "access", "refresh", "ann@example.org")
HOLDER = """
import asyncio, sys
from pathlib import Path
from docstore_client.credential_file import CredentialFile

async def hold():
    async with CredentialFile(Path(sys.argv[1])).renewing():
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


async def test_saved_credentials_are_private(tmp_path: Path) -> None:
    """Mode 0600 from the first byte on, whatever a program that was killed has left."""
    store = CredentialFile(tmp_path / "state" / "session.json")
    async with store.renewing():
        left = tmp_path / "state" / "session.json.new"
        left.write_text("cut o")
        left.chmod(0o644)
        store.save(ANN)
    assert store.load() == ANN
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert not left.exists()
    store.forget()
    assert store.load() is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"server": "old"}'])
def test_a_file_that_is_not_one_of_ours_is_as_none(content: str, tmp_path: Path) -> None:
    """One has to log in again then."""
    (tmp_path / "session.json").write_text(content)
    assert CredentialFile(tmp_path / "session.json").load() is None


async def test_the_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    """Another process waits for it, and has it once the holder is killed."""
    store = CredentialFile(tmp_path / "session.json")
    command = [sys.executable, "-c", HOLDER, str(store.path)]
    holder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert holder.stdout is not None
        await holder.stdout.readline()

        async def take() -> None:
            async with store.renewing():
                pass

        waiting = asyncio.create_task(take())
        done, _ = await asyncio.wait({waiting}, timeout=0.3)  # that nothing happens takes time to see
        assert not done
        holder.kill()
        await asyncio.wait_for(waiting, 10)
    finally:
        with suppress(ProcessLookupError):
            holder.kill()
        await holder.wait()
