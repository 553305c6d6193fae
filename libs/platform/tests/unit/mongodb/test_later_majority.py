"""When a write may leave its durability to a later one."""

import pytest
from pymongo.server_description import ServerDescription
from pymongo.topology_description import TOPOLOGY_TYPE, TopologyDescription

from docstore_platform.mongodb.client import is_alone


@pytest.mark.parametrize(
    ("kind", "members", "alone"),
    [
        (TOPOLOGY_TYPE.ReplicaSetWithPrimary, 1, True),
        (TOPOLOGY_TYPE.ReplicaSetWithPrimary, 2, False),
        (TOPOLOGY_TYPE.ReplicaSetNoPrimary, 1, False),
        (TOPOLOGY_TYPE.Sharded, 1, False),
        (TOPOLOGY_TYPE.Single, 1, False),
        (TOPOLOGY_TYPE.Unknown, 1, False),
    ],
)
def test_only_a_primary_without_other_members_is_alone(kind: int, members: int, *, alone: bool) -> None:
    """No election can then end with a member that lacks the write; a router or one server may stand for several."""
    servers = {("m", number): ServerDescription(("m", number)) for number in range(members)}
    assert is_alone(TopologyDescription(kind, servers, "rs0", None, None, None)) is alone
