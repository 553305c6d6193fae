"""What was itself shared with an account: where the trees of others begin for it.

Anybody may share any number of things with anybody: what others have shared must not make an account's calls slow.
"""

from collections.abc import Collection, Sequence

from docstore_metadata.documents import node_of
from docstore_metadata.domain import Place
from docstore_metadata.tree import place_among
from docstore_platform.mongo import ASCENDING, Database, Session

AT_ONCE = 100


async def shared_roots_of(
    database: Database, account_id: str, owner_ids: Collection[str], session: Session = None
) -> list[Place]:
    """What these owners share with the account and can be reached, but for what is within another one of them."""
    mine = {"account": account_id, "owner": {"$in": sorted(owner_ids)}}
    rows = database["shares"].find(mine, {"node": 1}, session=session)
    return await _roots(database, account_id, [row["node"] async for row in rows], session)


async def next_shared_root(database: Database, account_id: str, from_id: str) -> Place | None:
    """The first of those by anybody, in the order of ids, from an id on."""
    after = {"$gte": from_id}
    while True:
        rows = database["shares"].find({"account": account_id, "node": after}, {"node": 1})
        ids = [row["node"] async for row in rows.sort("node", ASCENDING).limit(AT_ONCE)]
        roots = await _roots(database, account_id, ids)
        if roots:
            return roots[0]
        if len(ids) < AT_ONCE:
            return None
        after = {"$gt": ids[-1]}


async def _roots(database: Database, account_id: str, ids: Sequence[str], session: Session = None) -> list[Place]:
    if not ids:
        return []
    nodes = database["nodes"]
    above = {
        "from": nodes.name,
        "startWith": "$parent",
        "connectFromField": "parent",
        "connectToField": "_id",
        "as": "above",
    }
    pipeline = [{"$match": {"_id": {"$in": list(ids)}}}, {"$graphLookup": above}]
    roots = []
    async for document in nodes.aggregate(pipeline, session=session):
        folders = {row["_id"]: node_of(row) for row in document["above"]}
        place = place_among(node_of(document), folders, complete=True)
        assert place is not None
        within_another = any(account_id in folder.shared_with for folder in place.ancestors)
        if place.is_reachable and account_id in place.node.shared_with and not within_another:
            roots.append(place)
    return sorted(roots, key=lambda place: place.node.id)
