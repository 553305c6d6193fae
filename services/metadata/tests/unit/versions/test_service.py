"""Restoring versions, on fakes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from metadata_fakes import NOW, Desk

from docstore_contracts.quota import QuotaClient
from docstore_metadata.changes.new_versions import new_version
from docstore_metadata.reservations import Reservations
from docstore_metadata.tree.retention_policy import Bounds, Policy
from docstore_metadata.tree.rules import Node
from docstore_metadata.versions.service import VersionService


class RoomyQuota:
    """Accepts every reservation."""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        return {"results": [{"upload_id": item["upload_id"], "accepted": True} for item in body["items"]], "usage": {}}


async def versioned_file(desk: Desk, count: int) -> Node:
    """A file with so many versions, an hour between them."""
    folder = await desk.folder("/f")
    times: Any = {"created_at": NOW, "modified_at": NOW, "modified_by": "ann", "device": "laptop"}
    node = Node(id="file", owner_id="ann", parent_id=folder.id, name="a.txt", kind="file", size=1, **times)
    for number in range(1, count + 1):
        node = replace(node, version=number, kept_versions=number, modified_at=NOW + timedelta(hours=number))
        await desk.fakes.versions.insert([new_version(node, upload_id=None)], None)
    desk.fakes.nodes.by_id[node.id] = node
    desk.clock.now = NOW + timedelta(hours=count + 1)
    return node


@pytest.mark.parametrize(("count", "read", "left"), [(300, 2, 301), (1010, 1012, 1000)])
async def test_a_restore_reads_the_restored_version_alone(desk: Desk, count: int, read: int, left: int) -> None:
    """Before its transaction and in it, however many there are; all of them only once they must be pruned."""
    node = await versioned_file(desk, count)
    policy = Policy(trash_days=None, versions=1000, version_days=None)
    bounds = Bounds(policy, policy, grace=timedelta(days=1))
    reservations = Reservations(QuotaClient(RoomyQuota()), desk.clock)
    service = VersionService(desk.store, desk.tree, desk.transactor, reservations, bounds, clock=desk.clock)
    place = await service.restore(desk.caller, node.id, 1)
    versions = desk.fakes.versions
    assert versions.read == read
    assert (place.node.version, len(versions.kept)) == (count + 1, left)
    assert versions.kept[node.id, count + 1].restored_from == 1
    assert desk.fakes.nodes.by_id[node.id].kept_versions == left
