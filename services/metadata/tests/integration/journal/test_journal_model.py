"""Property: a client that replays only its journal has the same tree as a fresh snapshot."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from metadata_stack import Person, Stack

pytestmark = pytest.mark.connected

KINDS = {"created", "modified", "moved", "deleted", "restored", "shared", "unshared"}
COMPARED = ("name", "parent_id", "path", "version", "sha256", "tags", "permission", "owner_id")


class Replica:
    """The nodes of one person by id, updated by the journal alone, and by listing new folders."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.nodes: dict[str, Any] = {}
        self.kinds: set[str] = set()
        self.cursor = ""

    async def pull(self) -> None:
        more = True
        while more:
            page = await self.person.ok("GET", f"/v1/changes?limit=7&cursor={self.cursor}")
            for change in page["changes"]:
                await self._apply(change["type"], change["file"])
            self.cursor, more = page["cursor"], page["has_more"]

    async def _apply(self, kind: str, file: Any) -> None:
        known = file["id"] in self.nodes
        self.kinds.add(kind)
        if kind in ("deleted", "unshared"):
            self._drop(file["id"])
            return
        self.nodes[file["id"]] = file
        if file["kind"] == "folder" and (kind in ("shared", "restored") or (kind == "moved" and not known)):
            await self._list(file["id"])

    def _drop(self, node_id: str) -> None:
        self.nodes.pop(node_id, None)
        for child in [node["id"] for node in self.nodes.values() if node["parent_id"] == node_id]:
            self._drop(child)

    async def _list(self, folder_id: str) -> None:
        """List a folder; if it was deleted meanwhile, a later entry follows."""
        answer = await self.person.send("GET", f"/v1/files?parent_id={folder_id}&limit=1000")
        for item in answer.json()["items"] if answer.status == 200 else ():
            self.nodes[item["id"]] = item
            if item["kind"] == "folder":
                await self._list(item["id"])

    def tree(self) -> dict[str, Any]:
        """The nodes as compared. Paths follow from names and parents: a folder's change moves all that is in it.

        What is in a folder that is not known is not there: that folder went again before it was listed.
        """
        return {node_id: self._shown(node) for node_id, node in self.nodes.items() if self._is_there(node)}

    def _is_there(self, node: Any) -> bool:
        parent = node["parent_id"]
        return parent in (None, self.person.account_id) or (parent in self.nodes and self._is_there(self.nodes[parent]))

    def _shown(self, node: Any) -> dict[str, Any]:
        shown = {name: node[name] for name in COMPARED}
        shown["path"] = self._path(node)
        shown["permission"] = self._top(node)["permission"] if node["permission"] != "owner" else "owner"
        return shown

    def _path(self, node: Any) -> str:
        parent = self.nodes.get(node["parent_id"])
        return (self._path(parent) if parent else "") + "/" + str(node["name"])

    def _top(self, node: Any) -> Any:
        parent = self.nodes.get(node["parent_id"])
        return self._top(parent) if parent else node


async def listed(person: Person) -> dict[str, Any]:
    """The nodes of a fresh snapshot."""
    found: dict[str, Any] = {}
    cursor = ""
    while cursor is not None:
        page = await person.ok("GET", f"/v1/snapshot?limit=1000&cursor={cursor}")
        found |= {item["id"]: {name: item[name] for name in COMPARED} for item in page["items"]}
        cursor = page["next_cursor"]
    return found


class World:
    """Random changes by three people; refused ones are ignored."""

    def __init__(self, stack: Stack, chance: random.Random) -> None:
        self.stack = stack
        self.chance = chance
        self.owner = stack.new_person()
        self.people = {"owner": self.owner, "editor": stack.new_person(), "viewer": stack.new_person()}
        self.replicas = {name: Replica(person) for name, person in self.people.items()}

    async def step(self, number: int) -> None:
        changes = [self.put, self.folder, self.rename, self.move, self.delete, self.restore, self.share, self.revoke]
        await self.chance.choice(changes)(number)

    def _any(self, who: str = "owner", kind: str | None = None) -> Any:
        nodes = [node for node in self.replicas[who].nodes.values() if kind in (None, node["kind"])]
        return self.chance.choice(sorted(nodes, key=lambda node: str(node["id"]))) if nodes else None

    async def put(self, number: int) -> None:
        who = self.chance.choice(("owner", "editor"))
        folder, account = self._any(who, "folder"), self.people[who].account_id
        start = {"parent_id": folder["id"]} if folder else {}
        await self.stack.commit(self.stack.item(f"/f{number % 5}", account_id=account, **start))

    async def folder(self, number: int) -> None:
        folder = self._any("owner", "folder") if self.chance.random() < 0.6 else None
        start = {"parent_id": folder["id"]} if folder else {}
        await self.owner.send("POST", "/v1/folders", {"path": f"/d{number % 4}/e", **start})

    async def rename(self, number: int) -> None:
        who = self.chance.choice(("owner", "editor"))
        if node := self._any(who):
            await self.people[who].send("PATCH", f"/v1/files/{node['id']}", {"name": f"n{number}", "tags": ["t"]})

    async def move(self, number: int) -> None:
        who = self.chance.choice(("owner", "editor"))
        node, folder = self._any(who), self._any(who, "folder")
        if node and folder:
            to = folder["id"] if self.chance.random() < 0.8 else self.owner.account_id
            await self.people[who].send("PATCH", f"/v1/files/{node['id']}", {"parent_id": to})

    async def delete(self, number: int) -> None:
        if node := self._any():
            await self.owner.send("DELETE", f"/v1/files/{node['id']}")

    async def restore(self, number: int) -> None:
        trash = (await self.owner.ok("GET", "/v1/trash"))["items"]
        if trash:
            await self.owner.send("POST", f"/v1/files/{self.chance.choice(trash)['id']}/restore")

    async def share(self, number: int) -> None:
        if node := self._any():
            who = self.chance.choice(("editor", "viewer"))
            body = {"email": f"{self.people[who].account_id}@example.com", "role": who}
            await self.owner.send("POST", f"/v1/files/{node['id']}/shares", body)

    async def revoke(self, number: int) -> None:
        if node := self._any():
            answer = await self.owner.send("GET", f"/v1/files/{node['id']}/shares")
            for share in answer.json()["items"] if answer.status == 200 else ():
                await self.owner.send("DELETE", f"/v1/files/{node['id']}/shares/{share['id']}")

    async def check(self) -> None:
        await self.stack.jobs_done()
        for name, replica in self.replicas.items():
            await replica.pull()
            assert replica.tree() == await listed(self.people[name]), name


async def test_replaying_the_journal_equals_a_listing(running: Stack) -> None:
    """Random changes of the owner, an editor and the shares; checked after every few changes for all three."""
    loop = asyncio.get_running_loop()
    kinds: set[str] = set()

    @settings(
        max_examples=max(settings().max_examples // 4, 8),
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32))
    @example(5)  # a folder is shared above something that is, and deleted before anyone has listed it
    def explore(seed: int) -> None:
        life = _one_life(running, random.Random(seed))
        kinds.update(asyncio.run_coroutine_threadsafe(life, loop).result(120))

    await asyncio.to_thread(explore)
    assert kinds == KINDS


async def _one_life(stack: Stack, chance: random.Random) -> set[str]:
    """One sequence of random changes."""
    world = World(stack, chance)
    for name in ("editor", "viewer"):
        person = world.people[name]
        await stack.register(person, f"{person.account_id}@example.com")
    for number in range(40):
        await world.step(number)
        if number % 4 == 3:
            await world.check()
    return world.replicas["editor"].kinds | world.replicas["viewer"].kinds
