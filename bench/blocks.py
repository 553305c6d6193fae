"""Large files in blocks: how fast they are cut and hashed, what a change and a new file cost, beside others."""

import asyncio
import hashlib
import io
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench.accounts import new_account
from bench.stack import Stack, at_rest, s5cmd
from bench.syncthing import syncthing_pair
from docstore_cli.api import ApiClient
from docstore_client.blocks.chunking import AVERAGE_BLOCK, Cutter, buffer_for
from docstore_client.blocks.frames import raw_frame, shrinks
from docstore_client.uploading.block_uploads import Reading

MIB = 1 << 20
OLD_BYTES = 512 * MIB
NEW_BYTES = 1024 * MIB
CHANGE_BYTES = MIB
RUNS = 2
MIDDLE = OLD_BYTES // 2 + 12_345
TOOLS = ("rsync", "restic", "syncthing")
RESTIC = {"RESTIC_PASSWORD": "bench", "RESTIC_PROGRESS_FPS": "0.01"}

Rows = list[tuple[str, str]]


async def measure_blocks(stack: Stack) -> Rows:
    """All of it; what isn't installed is said."""
    rows: Rows = []
    absent = [name for name in TOOLS if shutil.which(name) is None]
    if absent:
        rows.append(("not installed, so not measured", ", ".join(absent)))
    with TemporaryDirectory(prefix="docstore-bench-") as folder:
        path = Path(folder) / "files" / "large.bin"
        path.parent.mkdir()
        _write(path, OLD_BYTES)
        rows += await _scan_rows(path)
        rows += await _change_rows(stack, path, Path(folder))
        _write(path, NEW_BYTES)
        rows += await _new_rows(stack, path)
    return rows


def _write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))


# --- cutting and hashing ---------------------------------------------------------------------------------


async def _scan_rows(path: Path) -> Rows:
    data = await asyncio.to_thread(path.read_bytes)
    rates = {"cutting alone": await _rate(_cut, path), "SHA-256 alone, one core": await _rate(_hash, data)}
    begin = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        reading, buffer = Reading(file), buffer_for(OLD_BYTES)
        while await reading.next(buffer) is not None:
            pass
    scan = OLD_BYTES / (time.perf_counter() - begin)
    limit = rates["SHA-256 alone, one core"]
    rows = [(f"512 MiB: {name}", f"{rate / 1e6:,.0f} MB/s") for name, rate in rates.items()]
    rows.append(
        (
            "512 MiB: read, cut, each block and the whole hashed",
            f"{scan / 1e6:,.0f} MB/s: {scan / limit:.2f} of what hashing alone on one core does",
        )
    )
    new = sorted(await asyncio.to_thread(_new_bytes, data[: 64 * MIB]))
    told = f"{sum(new) / len(new) / MIB:.2f} MiB on average, {new[-1] / MIB:.2f} at most"
    rows.append((f"new blocks for 1 MiB overwritten or inserted at {len(new)} places of 64 MiB", told))
    rows.append(("512 MiB: noise recognised and framed", f"{await _rate(_frame, data) / 1e6:,.0f} MB/s"))
    return rows


async def _rate(work: Callable[[Any], object], argument: Any) -> float:
    begin = time.perf_counter()
    await asyncio.to_thread(work, argument)
    return OLD_BYTES / (time.perf_counter() - begin)


def _cut(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        cutter, buffer = Cutter(file), buffer_for(OLD_BYTES)
        while cutter.read(buffer):
            pass


def _hash(data: bytes) -> None:
    hashlib.sha256(data)


def _new_bytes(data: bytes) -> list[int]:
    """Of blocks that are not among those of the file before: where the cuts fall differs from place to place."""
    known = {chunk for chunk, _ in _chunks(data)}
    found = []
    for place in range(8 * MIB, 48 * MIB, 4 * MIB):
        for end in (place, place + CHANGE_BYTES):
            changed = data[:place] + os.urandom(CHANGE_BYTES) + data[end:]
            found.append(sum(size for chunk, size in _chunks(changed) if chunk not in known))
    return found


def _chunks(data: bytes) -> list[tuple[str, int]]:
    cutter, buffer = Cutter(io.BytesIO(data)), buffer_for(len(data))
    blocks = []
    while window := cutter.read(buffer):
        blocks += window.name()
    return [(block.hash, block.size) for block in blocks]


def _frame(data: bytes) -> None:
    whole = memoryview(data)
    for start in range(0, len(data), AVERAGE_BLOCK):
        block = whole[start : start + AVERAGE_BLOCK]
        if not shrinks(block):
            raw_frame(block)


# --- a change in 512 MiB ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from the start of the program to its end, and bytes that were sent, where that is told."""

    seconds: float
    sent: float | None = None
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s" + (f", {self.sent / MIB:.2f} MiB" if self.sent is not None else "")


@dataclass
class Copies:
    """The same file, kept up to date by each of the programs."""

    path: Path
    place: Path
    programs: dict[str, Callable[[], Awaitable[Cost]]] = field(default_factory=dict)

    async def costs(self) -> dict[str, Cost]:
        return {name: await program() for name, program in self.programs.items()}


async def _change_rows(stack: Stack, path: Path, place: Path) -> Rows:
    rows: Rows = []
    async with AsyncExitStack() as closing:
        api = await closing.enter_async_context(new_account(stack.gateway))
        copies = Copies(path, place)
        copies.programs["DocStore"] = lambda: _send(api, path, "/large.bin")
        if shutil.which("rsync"):
            copies.programs["rsync"] = lambda: _rsync(path, place / "rsync")
        if shutil.which("restic"):
            await _run("restic", "init", "--quiet", "--repo", str(place / "restic"))
            copies.programs["restic"] = lambda: _restic(path, place / "restic")
        if shutil.which("syncthing"):
            pair = await closing.enter_async_context(syncthing_pair(path.parent, place / "copy", place / "homes"))
            copies.programs["Syncthing"] = lambda: _timed(pair.sync())
        await copies.costs()
        for name, change in (("overwritten", _overwrite), ("inserted", _insert), ("appended", _append)):
            change(path)
            await at_rest(stack)
            costs = await copies.costs()
            ours = costs.pop("DocStore")
            others = [f"{other} {cost}, {ours.seconds / cost.seconds:.2f} of it" for other, cost in costs.items()]
            beside = "; ".join(others)
            rows.append((f"512 MiB with 1 MiB {name}", f"{ours} ({beside})" if beside else str(ours)))
    return rows


def _overwrite(path: Path) -> None:
    with path.open("rb+") as file:
        file.seek(MIDDLE)
        file.write(os.urandom(CHANGE_BYTES))


def _insert(path: Path) -> None:
    with path.open("rb+") as file:
        file.seek(MIDDLE)
        rest = file.read()
        file.seek(MIDDLE)
        file.write(os.urandom(CHANGE_BYTES) + rest)


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(os.urandom(CHANGE_BYTES))


async def _send(api: ApiClient, path: Path, target: str) -> Cost:
    command = (sys.executable, "-m", "bench.send_file", api.gateway, api.access_token, str(path), target)
    begin = time.perf_counter()
    said = orjson.loads(await _run(*command))
    return Cost(time.perf_counter() - begin, said["sent"], said["cpu_seconds"], said["peak_bytes"])


async def _rsync(path: Path, copy: Path) -> Cost:
    """By its delta algorithm, as it does over a network; both of its ends are here."""
    begin = time.perf_counter()
    output = await _run("rsync", "--no-whole-file", "--times", "--stats", "--no-human-readable", str(path), str(copy))
    told = [line for line in output.decode().splitlines() if line.startswith("Total bytes sent")]
    received = [line for line in output.decode().splitlines() if line.startswith("Total bytes received")]
    return Cost(time.perf_counter() - begin, sum(int(line.rpartition(" ")[2]) for line in told + received))


async def _restic(path: Path, repository: Path) -> Cost:
    """Into a folder of this machine."""
    begin = time.perf_counter()
    output = await _run("restic", "backup", "--json", "--repo", str(repository), str(path))
    return Cost(time.perf_counter() - begin, orjson.loads(output.splitlines()[-1])["data_added"])


async def _timed(work: Awaitable[object]) -> Cost:
    begin = time.perf_counter()
    await work
    return Cost(time.perf_counter() - begin)


async def _run(*command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **RESTIC}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with status {process.returncode}")
    return output


# --- a new gibibyte --------------------------------------------------------------------------------------


async def _new_rows(stack: Stack, path: Path) -> Rows:
    """Both from the start of the program to its end, in turn."""
    best: dict[str, Cost] = {}
    for run in range(RUNS):
        async with new_account(stack.gateway) as api:
            await at_rest(stack)
            plain = await _timed(s5cmd(stack, "cp", str(path), f"s3://{stack.bucket}/bench/new-{run}"))
            await at_rest(stack)
            for name, cost in (("s5cmd", plain), ("DocStore", await _send(api, path, "/new.bin"))):
                best[name] = min(best.get(name, cost), cost, key=lambda cost: cost.seconds)
    ours, plain = best["DocStore"], best["s5cmd"]
    rates = {name: NEW_BYTES / cost.seconds / 1e6 for name, cost in best.items()}
    return [
        (
            f"1 GiB new, in blocks (s5cmd: {rates['s5cmd']:.0f} MB/s)",
            f"{rates['DocStore']:.0f} MB/s: {plain.seconds / ours.seconds:.2f} of s5cmd",
        ),
        ("1 GiB new: the client's CPU and peak memory", f"{ours.cpu_seconds:.2f} s, {ours.peak_bytes / MIB:.0f} MiB"),
    ]
