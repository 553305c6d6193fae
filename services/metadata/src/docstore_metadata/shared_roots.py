"""What was itself shared with an account: where the trees of others begin for it."""

from docstore_metadata.documents import node_of
from docstore_metadata.domain import Place
from docstore_metadata.tree import place_among
from docstore_platform.mongo import Database, Session


async def shared_places(database: Database, account_id: str, session: Session = None) -> list[Place]:
    """Every node that was itself shared with the account and can be reached, in the order of ids."""
    rows = database["shares"].find({"account": account_id}, {"node": 1}, session=session)
    ids = [row["node"] async for row in rows]
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
    pipeline = [{"$match": {"_id": {"$in": ids}}}, {"$graphLookup": above}]
    places = []
    async for document in nodes.aggregate(pipeline, session=session):
        folders = {row["_id"]: node_of(row) for row in document["above"]}
        place = place_among(node_of(document), folders, complete=True)
        assert place is not None
        if place.is_reachable and account_id in place.node.shared_with:
            places.append(place)
    return sorted(places, key=lambda place: place.node.id)


async def shared_roots(database: Database, account_id: str, session: Session = None) -> list[Place]:
    """Those of them that are not within another one of them."""
    places = await shared_places(database, account_id, session)
    return [place for place in places if not any(account_id in folder.shared_with for folder in place.ancestors)]
