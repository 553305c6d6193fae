"""Attack: a document that exploits a parser tries to leave the sandbox of indexer and media."""

from collections.abc import AsyncIterator, Awaitable, Callable
from glob import glob
from pathlib import Path
from typing import Any

import hostile_parser
import psutil
import pytest
from stacks import DetachedStack

from docstore_contents.workers.pool import WorkerPool
from docstore_contents.workers.worker_process import Program, WorkerLimits

pytestmark = pytest.mark.attack

Attempt = Callable[..., Awaitable[bool]]


@pytest.fixture
def readable(tmp_path: Path) -> Path:
    """A folder that a worker may read, as it may Python's modules."""
    folder = tmp_path / "readable"
    folder.mkdir()
    return folder


@pytest.fixture
async def works(stack: DetachedStack, tmp_path: Path, readable: Path) -> AsyncIterator[Attempt]:
    """Whether an attempt works, made by a worker as the services start theirs, as the same user."""
    pool = WorkerPool(Program((hostile_parser.__file__,), {}, (readable,)), WorkerLimits(), tmp_path)
    document = tmp_path / "document"
    document.write_text("hostile")

    async def attempt(name: str, target: Any = "") -> bool:
        answer = await pool.run({"path": str(document), "attempt": name, "target": target})
        return bool(answer["worked"])

    assert await attempt("document")
    yield attempt
    await pool.close()


def processes(stack: DetachedStack) -> list[psutil.Process]:
    return [psutil.Process(stack.identity(part).pid) for part in stack.state.processes]


async def test_the_data_folder_is_out_of_reach(stack: DetachedStack, works: Attempt) -> None:
    """Credentials, the database's files, everything: neither read, listed, changed nor added to."""
    files = [path for path in stack.data.rglob("*") if path.is_file()]
    assert any(path.name == "credentials.json" for path in files)
    chosen = [path for path in files if path.name in ("credentials.json", "WiredTiger.wt", "mongod.lock")] + files[:20]
    for path in chosen:
        before = path.stat().st_mtime_ns if path.exists() else None
        for how in ("read", "write", "truncate", "delete"):
            assert not await works(how, str(path)), (how, path)
        assert path.suffix != ".json" or path.stat().st_mtime_ns == before
    assert not await works("list", str(stack.data))
    assert not await works("write", str(stack.data / "planted"))


async def test_what_can_be_read_cannot_be_changed(works: Attempt, readable: Path) -> None:
    """Emptied above all, also by an open that does not write: a module of Python would break every service."""
    module = readable / "module.py"
    module.write_text("import os")
    assert await works("read", str(module))
    for how in ("write", "truncate", "delete", "empty", "empty_unread", "empty_by_open"):
        assert not await works(how, str(module)), how
    assert module.read_text() == "import os"


async def test_no_server_of_the_stack_answers(stack: DetachedStack, works: Attempt) -> None:
    """Every port that a part listens on, MongoDB's above all, and every socket in the file system."""
    ports = {
        connection.laddr.port
        for process in processes(stack)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len(ports) > 3
    for port in ports:
        assert not await works("tcp", port), port
    sockets = {connection.laddr for process in processes(stack) for connection in process.net_connections("unix")}
    for path in filter(None, {*sockets, *glob("/tmp/*.sock")}):
        assert not await works("unix", path), path


async def test_no_process_of_the_stack_can_be_read_or_stopped(stack: DetachedStack, works: Attempt) -> None:
    """Neither their environments and memories, nor a signal, a trace or a limit."""
    for process in processes(stack):
        for name in ("environ", "mem", "maps", "root/etc/passwd"):
            assert not await works("read", f"/proc/{process.pid}/{name}")
        for how in ("signal", "setown", "ptrace", "vm_readv", "limit"):
            assert not await works(how, process.pid), (how, process.name())
        assert process.is_running()


@pytest.mark.parametrize("how", ["exec", "execve", "fork", "keyctl", "io_uring"])
async def test_nothing_can_be_started(works: Attempt, how: str) -> None:
    """No shell, no miner, no fork bomb."""
    assert not await works(how)
