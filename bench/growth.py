"""How costs grow with what is stored: the same operations on a small and a large stack, in turns.

Both run at the same time and get the same requests, so that what else the machine does meets both. Documents and
accounts are written straight to the databases: uploading a million is another benchmark.
"""

import math
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice, starmap
from statistics import median
from typing import Any

import orjson

from bench.accounts import PASSWORD, new_account
from bench.single import upload
from bench.stack import Stack, at_rest, cpu_seconds, fresh_stack, idle_cpu
from docstore_cli.api import ApiClient
from docstore_metadata.changes.journal_writer_repository import entry_id
from docstore_metadata.tree.name_order import order_of
from docstore_metadata.versions.documents import version_id
from docstore_platform.domain.custom_metadata import pair_term
from docstore_platform.http.paging import change_cursor
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Collection, Database, Mongo
from docstore_platform.testing import eventually
from docstore_standalone.credentials import load_credentials
from docstore_standalone.stack import ADMIN_EMAIL

NODES = 1_000, int(os.environ.get("BENCH_GROWTH_NODES", "100000"))
ACCOUNTS = 10, 10_000
TURNS, SECONDS = 40, 10.0
"""Of each operation at least."""
IDLE_SECONDS = 5
SCATTER = 7919
"""A prime: turns take documents and accounts from everywhere."""
CREATED, METADATA, DESCRIBED = datetime(2021, 1, 1, tzinfo=UTC), {"author": "ada"}, 10
"""The first copy's date, seconds before the next one's; custom metadata of each tenth copy."""
FILTERS = {
    "its metadata": "meta.author=ada",
    "its kind": "kind=file",
    "dates of creation": "sort=created&created_after=2021-01-01T00:05:00Z",
    "metadata and dates": "meta.author=ada&created_after=2021-01-01T00:05:00Z",
}
CHUNK = 10_000
COPIED = ("nodes", "versions", "journal")
"""Collections that are filled."""
PAGE = 100
INDEXED_WITHIN_SECONDS = 7200


@dataclass(slots=True)
class Side:
    """One of the stacks, filled."""

    stack: Stack
    nodes: int
    api: ApiClient
    admin: ApiClient
    emails: list[str]
    folder: str
    file: str
    pages: dict[str, str] = field(default_factory=dict)
    """Cursors of listings, by their query."""
    indexed_in: float = 0.0
    """Seconds."""

    async def refresh(self) -> None:
        await self.api.refresh()
        await self.admin.refresh()

    async def is_indexed(self) -> bool:
        await self.refresh()
        found = await self.api.call("GET", "/v1/search?q=document&limit=1")
        return bool(found["total"] >= self.nodes)


@asynccontextmanager
async def _filled(stack: Stack, nodes: int, accounts: int) -> AsyncIterator[Side]:
    async with new_account(stack.gateway) as api, ApiClient(stack.gateway) as admin:
        file, _ = await upload(api, "/many/template.txt")
        await at_rest(stack)
        mongo = Mongo(stack.mongo_url, app_name="bench")
        try:
            emails = await _copy_account(mongo, file["owner_id"], accounts)
            await copy_file(mongo.database("docstore_metadata"), file, nodes)
        finally:
            mongo.close()
        await admin.log_in(ADMIN_EMAIL, load_credentials(stack.data).admin_password)
        side = Side(stack, nodes, api, admin, emails, file["parent_id"], file["id"])
        begin = time.perf_counter()
        await admin.call("POST", "/v1/admin/search/rebuild")
        await eventually(side.is_indexed, seconds=INDEXED_WITHIN_SECONDS, every=5)
        side.indexed_in = time.perf_counter() - begin
        await at_rest(stack)
        yield side


async def _copy_account(mongo: Mongo, account_id: str, accounts: int) -> list[str]:
    """Accounts like this one in every service: its documents under other ids and e-mail addresses. Return those."""
    ids = [new_id() for _ in range(accounts - 1)]
    email = ""
    for name in await mongo.database_names("docstore_"):
        database = mongo.database(name)
        for collection in await database.list_collection_names():
            row = await database[collection].find_one({"_id": account_id})
            if row is None:
                continue
            email = row.get("email", email)
            texts = {key: orjson.dumps(value).decode() for key, value in row.items() if isinstance(value, str)}
            copies = (
                row | {key: orjson.loads(_other(text, account_id, email, id_)) for key, text in texts.items()}
                for id_ in ids
            )
            await insert_all(database[collection], copies)
    return [_other(email, account_id, email, id_) for id_ in ids]


def _other(text: str, account_id: str, email: str, id_: str) -> str:
    return text.replace(account_id, id_).replace(email or account_id, f"{id_.lower()}@example.org")


async def copy_file(database: Database, file: dict[str, Any], nodes: int) -> None:
    """Files like this one in its folder, each with a version and an entry of the journal."""
    account = file["owner_id"]
    node = await database["nodes"].find_one({"_id": file["id"]})
    version = await database["versions"].find_one({"node": file["id"]})
    entry = await database["journal"].find_one({"_id": {"$regex": f"^{account}"}})
    assert node is not None
    assert version is not None
    assert entry is not None
    numbers = range(nodes)

    def node_copy(number: int) -> dict[str, Any]:
        name = f"document {number:08} word{number:08}.txt"
        named = {"name": name, "order": order_of("file", name), "created": CREATED + timedelta(seconds=number)}
        described = (
            {} if number % DESCRIBED else {"metadata": METADATA, "pairs": list(starmap(pair_term, METADATA.items()))}
        )
        return {**node, **named, **described, "_id": f"{file['id']}-{number:08}", "size": number}

    await insert_all(database["nodes"], map(node_copy, numbers))
    await insert_all(
        database["versions"],
        ({**version, "_id": version_id(f"{file['id']}-{n:08}", 1), "node": f"{file['id']}-{n:08}"} for n in numbers),
    )
    head = (await database["journals"].find_one({"_id": account}) or {})["seq"]
    await insert_all(
        database["journal"], ({**entry, "_id": entry_id(account, head + 1 + n), "paths": [n]} for n in numbers)
    )
    await database["journals"].update_one({"_id": account}, {"$inc": {"seq": nodes}})


@asynccontextmanager
async def without_indexes(database: Database) -> AsyncIterator[None]:
    """Fill in the block, and index afterwards: a dozen indexes at once make each document several times as dear."""
    indexes = {name: await database[name].list_indexes().to_list(None) for name in COPIED}
    for name in COPIED:
        await database[name].drop_indexes()
    yield
    for name, found in indexes.items():
        if own := [index for index in found if index["name"] != "_id_"]:
            await database.command("createIndexes", name, indexes=own)


async def insert_all(collection: Collection, rows: Iterator[dict[str, Any]]) -> None:
    while chunk := list(islice(rows, CHUNK)):
        await collection.insert_many(chunk, ordered=False)


# --- operations --------------------------------------------------------------------------------------------


def _list(query: str) -> Callable[[Side, int], Awaitable[None]]:
    async def operation(side: Side, turn: int) -> None:
        """Each page another one, with a bound that changes, so that none is answered from the cache."""
        at = f"&cursor={side.pages[query]}" if side.pages.get(query) else ""
        bound = f"modified_after=2020-01-01T00:{turn // 60:02}:{turn % 60:02}Z"
        page = await side.api.call("GET", f"/v1/files?parent_id={side.folder}&{query}&limit={PAGE}&{bound}{at}")
        side.pages[query] = page["next_cursor"]

    return operation


async def _upload(side: Side, turn: int) -> None:
    await upload(side.api, f"/many/new-{turn}.bin")


async def _rename(side: Side, turn: int) -> None:
    await side.api.call("PATCH", f"/v1/files/{side.file}", {"name": f"renamed {turn}.txt"})


async def _rename_folder(side: Side, turn: int) -> None:
    await side.api.call("PATCH", f"/v1/files/{side.folder}", {"name": f"many {turn}"})
    await side.api.call("PATCH", f"/v1/files/{side.folder}", {"name": "many"})


async def _search(side: Side, turn: int) -> None:
    found = await side.api.call("GET", f"/v1/search?q=word{turn * SCATTER % side.nodes:08}")
    assert len(found["items"]) == 1, found


async def _search_all(side: Side, turn: int) -> None:
    found = await side.api.call("GET", f"/v1/search?q=document&limit={20 + turn % 50}")
    assert found["total"] >= side.nodes, found["total"]


async def _changes(side: Side, turn: int) -> None:
    after = turn * SCATTER % (side.nodes - PAGE)
    cursor = change_cursor(side.api.account["id"], after)
    page = await side.api.call("GET", f"/v1/changes?limit={PAGE}&cursor={cursor}")
    assert len(page["changes"]) == PAGE


async def _sign_in(side: Side, turn: int) -> None:
    async with ApiClient(side.stack.gateway) as api:
        await api.log_in(side.emails[turn * SCATTER % len(side.emails)], PASSWORD)


async def _sessions(side: Side, turn: int) -> None:
    await side.api.call("GET", f"/v1/sessions?limit={1 + turn % 100}")


async def _accounts(side: Side, turn: int) -> None:
    await side.admin.call("GET", f"/v1/admin/accounts?limit={1 + turn % 9}")


OPERATIONS = {
    **{f"a page of {PAGE} by {sort}": _list(f"sort={sort}") for sort in ("natural", "name", "modified", "size")},
    **{f"a page of {PAGE} with {name}": _list(query) for name, query in FILTERS.items()},
    "an upload": _upload,
    "a rename": _rename,
    "two renames of the folder": _rename_folder,
    "a search for one": _search,
    "a search for all": _search_all,
    f"a page of {PAGE} changes": _changes,
}
OF_ACCOUNTS = {"a sign-in": _sign_in, "a list of sessions": _sessions, "a list of accounts": _accounts}


# --- measuring ---------------------------------------------------------------------------------------------


async def measure_growth(stack: Stack) -> list[tuple[str, str]]:
    """Rows of (what, figure): CPU time of the whole stack and p50, on the small and the large side."""
    async with (
        fresh_stack() as other,
        _filled(other, NODES[0], ACCOUNTS[0]) as small,
        _filled(stack, NODES[1], ACCOUNTS[1]) as large,
    ):
        rows = [(f"{NODES[1]:,} files added to the search index", f"{large.indexed_in:.0f} s")]
        for name, operation in OPERATIONS.items():
            rows.append(await _compare(name, operation, small, large, NODES))
        for name, operation in OF_ACCOUNTS.items():
            rows.append(await _compare(name, operation, small, large, ACCOUNTS))
    return rows


async def _compare(
    name: str, operation: Callable[[Side, int], Awaitable[None]], small: Side, large: Side, sizes: tuple[int, int]
) -> tuple[str, str]:
    sides = (small, large)
    for side in sides:
        await side.refresh()
        await operation(side, 0)
        await at_rest(side.stack)
    idle = [await idle_cpu(side.stack, IDLE_SECONDS) for side in sides]
    begin, before = time.perf_counter(), [cpu_seconds(side.stack) for side in sides]
    taken: tuple[list[float], list[float]] = ([], [])
    turns = 0
    while turns < TURNS or time.perf_counter() - begin < SECONDS:
        turns += 1
        for side, seconds in zip(sides, taken, strict=True):
            sent = time.perf_counter()
            await operation(side, turns)
            seconds.append(time.perf_counter() - sent)
    for side in sides:
        await at_rest(side.stack)
    watched = time.perf_counter() - begin
    cpu = [
        1000 * (cpu_seconds(side.stack).total() - start.total() - rest.total() * watched) / turns
        for side, start, rest in zip(sides, before, idle, strict=True)
    ]
    latency = [1000 * median(seconds) for seconds in taken]
    return (
        f"growth of {name}, {sizes[0]:,} to {sizes[1]:,}",
        f"CPU {_growth(cpu, sizes)}, p50 {_growth(latency, sizes)}",
    )


def _growth(milliseconds: Sequence[float], sizes: tuple[int, int]) -> str:
    small, large = milliseconds
    ratio = max(large, 0.01) / max(small, 0.01)
    exponent = math.log(ratio) / math.log(sizes[1] / sizes[0])
    return f"{ratio:.2f} times ({small:.1f} to {large:.1f} ms, exponent {exponent:.2f})"
