"""Whether one thing that has grown far beyond the usual slows down other accounts: `python -m bench hotspots`.

Each hot spot is asked for by a few clients, and so is a usual one of its kind, and nothing, in turns. Meanwhile other
accounts list, upload and get. What the machine does besides meets all turns alike, so the ratio of two of them counts.
Documents are written straight to the database.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from itertools import count

from bench.accounts import new_account
from bench.growth import OPERATIONS as OF_GROWTH
from bench.growth import Side, copy_file, insert_all, without_indexes
from bench.load import percentile
from bench.single import upload
from bench.stack import Stack, at_rest
from docstore_cli.api import ApiClient
from docstore_metadata.versions.documents import version_id
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database, Mongo


def _size(name: str, default: int) -> int:
    return int(os.environ.get(f"BENCH_HOTSPOT_{name}", default))


FILES = _size("FILES", 300_000)
"""Of the large account, in `FOLDERS` folders."""
ENTRIES = _size("ENTRIES", 100_000)
"""Of the large folder."""
MEMBERS = _size("MEMBERS", 200)
"""With whom the folder is shared: as many as the rules allow."""
VERSIONS = _size("VERSIONS", 10_000)
OTHERS, FILES_OF_OTHERS, FOLDERS = 3, 100, 10
CLIENTS = 2
"""Clients that ask for the hot spot, or for the usual one."""
ROUNDS, CALLS = _size("ROUNDS", 6), _size("CALLS", 20)
"""Turns of each, and in each turn the calls of each kind that are measured."""
USUAL = 1_000
LINKS = 50

Work = Callable[[int], Awaitable[object]]
"""One operation of a turn's number."""
Hot = tuple[Work, Work]
"""Operations of a hot spot and of a usual one."""


# --- hot spots ---------------------------------------------------------------------------------------------


async def _side(stack: Stack, database: Database, api: ApiClient, files: int, folders: int = 1) -> Side:
    await api.refresh()  # filling another side may have taken longer than a token lasts
    templates = [(await upload(api, f"/many {number}/template.txt"))[0] for number in range(folders)]
    async with without_indexes(database) if files > USUAL else nullcontext():
        for file in templates:
            await copy_file(database, file, files // folders)
    first = templates[0]
    return Side(stack, files, api, api, [], first["parent_id"], first["id"])


async def _upload(side: Side, turn: int) -> None:
    await upload(side.api, f"/many 0/new-{turn}.bin")


def _of_side(side: Side) -> Work:
    names = ("a page of 100 by modified", "a page of 100 changes", "a rename")
    operations = [_upload, *(OF_GROWTH[name] for name in names)]

    async def work(turn: int) -> None:
        await operations[turn % len(operations)](side, turn)

    return work


async def _many_files(stack: Stack, database: Database, hot: ApiClient, usual: ApiClient) -> Hot:
    sides = [await _side(stack, database, hot, FILES, FOLDERS), await _side(stack, database, usual, USUAL, FOLDERS)]
    return _of_side(sides[0]), _of_side(sides[1])


async def _many_entries(stack: Stack, database: Database, hot: ApiClient, usual: ApiClient) -> Hot:
    sides = [await _side(stack, database, hot, ENTRIES), await _side(stack, database, usual, USUAL)]
    return _of_side(sides[0]), _of_side(sides[1])


async def _many_members(stack: Stack, database: Database, hot: ApiClient, usual: ApiClient) -> Hot:
    async def shared(api: ApiClient, members: int) -> Work:
        file, _ = await upload(api, "/shared/first.bin")
        readers = {"shared_with": {new_id(): "viewer" for _ in range(members)}}
        await database["nodes"].update_one({"_id": file["parent_id"]}, {"$set": readers})

        async def work(turn: int) -> None:
            await upload(api, f"/shared/{turn}.bin")
            await api.call("GET", f"/v1/files?parent_id={file['parent_id']}&limit={1 + turn % 100}")

        return work

    return await shared(hot, MEMBERS), await shared(usual, 1)


async def _many_versions(stack: Stack, database: Database, hot: ApiClient, usual: ApiClient) -> Hot:
    async def versioned(api: ApiClient, versions: int) -> Work:
        file, _ = await upload(api, "/versions.bin")
        stored = await database["versions"].find_one({"node": file["id"]})
        assert stored is not None
        older = ({**stored, "_id": version_id(file["id"], number), "number": number} for number in range(2, versions))
        await insert_all(database["versions"], older)
        await database["nodes"].update_one(
            {"_id": file["id"]}, {"$set": {"version": versions - 1, "kept_versions": versions}}
        )

        async def work(turn: int) -> None:
            await upload(api, "/versions.bin")
            await api.call("GET", f"/v1/files/{file['id']}/versions?limit={1 + turn % 100}")

        return work

    return await versioned(hot, VERSIONS), await versioned(usual, 3)


async def _opened_link(stack: Stack, database: Database, hot: ApiClient, usual: ApiClient) -> Hot:
    async def links(api: ApiClient, number: int) -> Work:
        tokens = []
        for each in range(number):
            file, _ = await upload(api, f"/linked {each}.bin")
            link = await api.call("POST", f"/v1/files/{file['id']}/links", {})
            tokens.append(link["url"].rpartition("/")[2])
        return lambda turn: api.call("POST", f"/v1/links/{tokens[turn % number]}/open", {})

    return await links(hot, 1), await links(usual, LINKS)


async def _hanging_webhook(stack: Stack, database: Database, hot: ApiClient, usual: ApiClient) -> Hot:
    async def followed(api: ApiClient, *, hangs: bool) -> Work:
        called = asyncio.Event()

        async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            called.set()
            await (reader.read() if hangs else reader.readuntil(b"\r\n\r\n"))  # the former until the caller gives up
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(receive, "127.0.0.1", 0)
        file, _ = await upload(api, "/followed/first.bin")
        target = {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"}
        subscription = {"file_id": file["parent_id"], "channel": "webhook", "target": target}
        await api.call("POST", "/v1/subscriptions", subscription)
        await upload(api, "/followed/second.bin")
        await called.wait()
        return lambda turn: upload(api, f"/followed/{turn}.bin")

    return await followed(hot, hangs=True), await followed(usual, hangs=False)


ONLY = os.environ.get("BENCH_HOTSPOT_ONLY", "")
"""Part of the names of those to measure."""
HOT_SPOTS: dict[str, Callable[[Stack, Database, ApiClient, ApiClient], Awaitable[Hot]]] = {
    f"an account of {FILES:,} files": _many_files,
    f"a folder of {ENTRIES:,} files": _many_entries,
    f"a folder shared with {MEMBERS:,}": _many_members,
    f"a file of {VERSIONS:,} versions": _many_versions,
    "a link that is opened all the time": _opened_link,
    "a webhook that hangs": _hanging_webhook,
}


# --- measuring ---------------------------------------------------------------------------------------------


async def _get(side: Side, turn: int) -> None:
    await side.api.call("GET", f"/v1/files/{side.file}")


class Others:
    """Accounts that have nothing to do with the hot spot; how long their calls took, by kind and what was beside."""

    def __init__(self, sides: list[Side]) -> None:
        self._sides = sides
        self._turns = count(1)
        self.seconds: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    async def call_all(self, beside: str) -> None:
        for _ in range(CALLS):
            turn = next(self._turns)
            side = self._sides[turn % len(self._sides)]
            calls: dict[str, Callable[[Side, int], Awaitable[object]]] = {
                "list": OF_GROWTH["a page of 100 by name"],
                "upload": _upload,
                "get": _get,
            }
            for kind, call in calls.items():
                begin = time.perf_counter()
                await call(side, turn)
                self.seconds[kind, beside].append(time.perf_counter() - begin)

    def figures(self, kind: str, beside: str) -> tuple[float, float]:
        """Milliseconds at p50 and p99."""
        ordered = sorted(self.seconds[kind, beside])
        return 1000 * percentile(ordered, 50), 1000 * percentile(ordered, 99)


@asynccontextmanager
async def _busy(work: Work | None, turns: "count[int]", taken: list[float]) -> AsyncIterator[None]:
    """Until the block ends, clients ask for `work` as soon as they have got their answers."""
    is_over = False

    async def client() -> None:
        while work is not None and not is_over:
            begin = time.perf_counter()
            await work(next(turns))
            taken.append(time.perf_counter() - begin)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client())
        yield
        is_over = True


async def measure_hotspots(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure): other accounts' calls beside nothing, a usual thing and the hot spot."""
    rows = []
    mongo = Mongo(stack.mongo_url, app_name="bench")
    try:
        database = mongo.database("docstore_metadata")
        async with AsyncExitStack() as clients:

            async def account() -> ApiClient:
                return await clients.enter_async_context(new_account(stack.gateway))

            sides = [await _side(stack, database, await account(), FILES_OF_OTHERS) for _ in range(OTHERS)]
            for name, prepare in ((name, each) for name, each in HOT_SPOTS.items() if ONLY in name):
                apis = await account(), await account()
                hot, usual = await prepare(stack, database, *apis)
                await at_rest(stack)
                others, turns = Others(sides), count(1)
                work: dict[str, Work | None] = {"nothing": None, "usual": usual, "hot": hot}
                taken: dict[str, list[float]] = {beside: [] for beside in work}
                for number in range(ROUNDS):
                    for api in (*apis, *(side.api for side in sides)):
                        await api.refresh()
                    for place in range(len(work)):
                        beside = list(work)[(number + place) % len(work)]
                        async with _busy(work[beside], turns, taken[beside]):
                            await others.call_all(beside)
                rows += _rows(name, others, taken)
    finally:
        mongo.close()
    return rows


def _rows(name: str, others: Others, taken: dict[str, list[float]]) -> list[tuple[str, str]]:
    own = {beside: 1000 * percentile(sorted(each), 50) for beside, each in taken.items() if each}
    number = len(taken["hot"])
    rows = [(f"{name}: itself, {number} times", f"p50 {own['hot']:.0f} ms, a usual one {own['usual']:.0f} ms")]
    for kind in ("list", "upload", "get"):
        figures = {beside: others.figures(kind, beside) for beside in taken}
        ratios = [hot / usual for hot, usual in zip(figures["hot"], figures["usual"], strict=True)]
        parts = ", ".join(f"{beside} {p50:.0f} / {p99:.0f}" for beside, (p50, p99) in figures.items())
        rows.append((f"{name}: others' {kind}", f"{ratios[0]:.2f} / {ratios[1]:.2f} times ({parts} ms, p50 / p99)"))
    return rows
