"""Roots of shared trees: nodes that are themselves shared with an account.

Anyone may share any number of nodes with an account: the queries are limited so that this does not slow its calls.
"""

from collections.abc import Collection, Sequence

from docstore_metadata.tree.places import Place, place_among
from docstore_metadata.tree.repository import with_folders_above
from docstore_platform.mongodb.client import ASCENDING, Database, Session

AT_ONCE = 100


async def shared_roots_of(
    database: Database, account_id: str, owner_ids: Collection[str], session: Session = None
) -> list[Place]:
    """Reachable nodes that these owners share with the account, without those within another one of them."""
    return _roots(await shared_by(database, account_id, owner_ids, session), account_id)


async def shared_by(
    database: Database, account_id: str, owner_ids: Collection[str], session: Session = None
) -> list[Place]:
    """Reachable nodes that these owners share with the account, including those within another one of them."""
    mine = {"account": account_id, "owner": {"$in": sorted(owner_ids)}}
    rows = database["shares"].find(mine, {"node": 1}, session=session)
    return await _places(database, account_id, [row["node"] async for row in rows], session)


async def next_shared_root(database: Database, account_id: str, from_id: str) -> Place | None:
    """The first root of any owner, ordered by id, from an id on."""
    after = {"$gte": from_id}
    while True:
        rows = database["shares"].find({"account": account_id, "node": after}, {"node": 1})
        ids = [row["node"] async for row in rows.sort("node", ASCENDING).limit(AT_ONCE)]
        roots = _roots(await _places(database, account_id, ids), account_id)
        if roots:
            return roots[0]
        if len(ids) < AT_ONCE:
            return None
        after = {"$gt": ids[-1]}


def _roots(places: Sequence[Place], account_id: str) -> list[Place]:
    return [place for place in places if not any(account_id in folder.shared_with for folder in place.ancestors)]


async def _places(database: Database, account_id: str, ids: Sequence[str], session: Session = None) -> list[Place]:
    """Those of the nodes that are reachable and themselves shared with the account, ordered by id."""
    if not ids:
        return []
    nodes = await with_folders_above(database["nodes"], ids, session)
    places = []
    for node_id in set(ids) & nodes.keys():
        place = place_among(nodes[node_id], nodes, complete=True)
        assert place is not None
        if place.is_reachable and account_id in place.node.shared_with:
            places.append(place)
    return sorted(places, key=lambda place: place.node.id)
