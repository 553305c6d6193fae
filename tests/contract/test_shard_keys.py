"""The comparison with shard keys that all tests rely on notices what a sharded cluster refuses or broadcasts."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import generate_shards
import pytest
from shard_keys import COLLECTIONS, problem_of

from docstore_platform.mongodb.sharding import Sharded
from docstore_platform.services import SERVICE_NAMES

NODE = shutil.which("node")
ROUTER = """
const calls = [];
globalThis.MinKey = () => "min";
globalThis.MaxKey = () => "max";
globalThis.sh = new Proxy({}, { get: (_, name) => (...given) => calls.push([name, ...given]) });
const tags = { find: ({ ns }) => ({ toArray: () => [{ min: `old ${ns}`, max: "max" }] }) };
const collection = { getIndexes: () => [], createIndex: () => {} };
globalThis.db = {
  adminCommand: (command) => calls.push(["adminCommand", command]),
  getSiblingDB: (name) => new Proxy({ tags }, { get: (given, key) => given[key] ?? collection }),
};
process.on("exit", () => console.log(JSON.stringify(calls)));
"""


@pytest.mark.parametrize(
    "command",
    [
        {"find": "nodes", "filter": {"owner": "ada", "name": "a.txt"}},
        {"find": "nodes", "filter": {"$or": [{"owner": "ada"}, {"owner": {"$in": ["bob", "eve"]}}]}},
        {"find": "journal", "filter": {"_id": {"$gt": "ada.1", "$lte": "ada.9"}}},
        {"find": "nodes", "filter": {"recheck_from": {"$lte": 1}}},
        {"delete": "jobs", "deletes": [{"q": {}, "limit": 0}]},
        {"aggregate": "nodes", "pipeline": [{"$match": {"owner": "ada"}}, {"$graphLookup": {}}]},
    ],
)
def test_commands_for_some_shards_pass(command: dict[str, Any]) -> None:
    """The key, values of it, a range of it, a declared broadcast, and whatever an unsharded collection gets."""
    assert problem_of("metadata", next(iter(command)), command) is None


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ({"find": "nodes", "filter": {"name": "a.txt"}}, "goes to all shards"),
        ({"find": "commits", "filter": {"_id": {"$gt": "1", "$lte": "9"}}}, "goes to all shards"),
        ({"find": "nodes", "filter": {"$or": [{"owner": "ada"}, {"name": "a.txt"}]}}, "goes to all shards"),
        ({"find": "nodes", "filter": {}}, "goes to all shards"),
        ({"update": "journals", "updates": [{"q": {"seq": 1}, "u": {}, "upsert": True}]}, "an upsert without"),
        ({"insert": "nodes", "documents": [{"_id": "1"}]}, "without the shard key"),
        ({"createIndexes": "people", "indexes": [{"key": {"account": 1}, "unique": True}]}, "unique index"),
        ({"distinct": "nodes", "query": {"owner": "ada"}, "autocommit": False}, "refused in a transaction"),
        (
            {"aggregate": "nodes", "pipeline": [{"$match": {"owner": "a"}}, {"$lookup": {}}], "autocommit": False},
            "refused in a transaction",
        ),
        ({"find": "novelties", "filter": {"_id": 1}}, "is not in"),
    ],
)
def test_what_a_cluster_refuses_or_broadcasts_is_noticed(command: dict[str, Any], problem: str) -> None:
    """Also a range of a hashed key, half of an alternative, and a collection that no one has declared."""
    found = problem_of("metadata", next(iter(command)), command)
    assert found is not None
    assert problem in found


def test_shards_js_is_what_make_generate_writes() -> None:
    """An operator shards what the services declare."""
    assert generate_shards.TARGET.read_text("utf-8") == generate_shards.text(), "run: make generate"


@pytest.mark.skipif(NODE is None, reason="needs Node")
def test_an_account_is_on_one_shard_in_all_collections_by_account(tmp_path: Path) -> None:
    """The script runs as written, on a router that only notes what it is asked for."""
    script = tmp_path / "shards.js"
    script.write_text(ROUTER + generate_shards.TARGET.read_text("utf-8"), encoding="utf-8")
    given = {"SHARDS": '["one", "two"]', "BOUNDS": '["0198"]', "PREFIX": "docstore_eu_", "REGION": "eu"}
    ran = subprocess.run([str(NODE), script], env={**os.environ, **given}, check=True, capture_output=True, text=True)
    calls = json.loads(ran.stdout)

    sharded = {call[1] for call in calls if call[0] == "shardCollection"}
    assert sharded == {
        f"docstore_eu_{service}.{name}"
        for service in SERVICE_NAMES
        for name, placement in COLLECTIONS[service].items()
        if isinstance(placement, Sharded)
    }
    zones = [call[1:] for call in calls if call[0] == "updateZoneKeyRange"]
    assert {namespace for namespace, *_ in zones} == sharded
    by_account = {
        f"docstore_eu_{service}.{name}": placement.key
        for service in SERVICE_NAMES
        for name, placement in COLLECTIONS[service].items()
        if isinstance(placement, Sharded) and placement.by_account
    }
    for namespace, key in by_account.items():
        ranges = [(start[key], end[key], zone) for name, start, end, zone in zones if name == namespace]
        assert ranges == [("min", "0198", "eu-one"), ("0198", "max", "eu-two")]
    assert [zone for name, *_, zone in zones if name not in by_account] == ["eu"] * (len(sharded) - len(by_account))
