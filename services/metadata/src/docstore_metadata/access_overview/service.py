"""Finds who can open a file or folder: shares and links on it and on the folders above it."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_metadata.links.rules import Link
from docstore_metadata.sharing.rules import Share
from docstore_metadata.storage import Store
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node, Place
from docstore_platform.clock import Clock, utc_now
from docstore_platform.tokens import Principal


@dataclass(frozen=True, slots=True)
class Overview:
    """Who can open `place`; shares and links are given to its owner alone, the nearest first."""

    place: Place
    shared_from: Node | None
    shares: Sequence[tuple[Share, Node]]
    links: Sequence[tuple[Link, Node]]


class AccessOverview:
    """The use case."""

    def __init__(self, store: Store, tree: Tree, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._tree = tree
        self._clock = clock

    async def of(self, principal: Principal, node_id: str) -> Overview:
        """Collect who can open it; NotFound for whoever may not read it."""
        account_id = principal.account_id
        place = authorize(account_id, await self._tree.place(node_id), Action.READ)
        if place.node.owner_id != account_id:
            return Overview(place, _shared_from(place, account_id), (), ())
        nodes = {node.id: node for node in (place.node, *reversed(place.ancestors))}
        shares = await self._store.shares.of_nodes(nodes)
        links = await self._store.links.of_nodes(nodes, None)
        now = self._clock()
        nearness = {node_id: distance for distance, node_id in enumerate(nodes)}
        return Overview(
            place,
            None,
            [(share, nodes[share.node_id]) for share in sorted(shares, key=lambda each: nearness[each.node_id])],
            [
                (link, nodes[link.node_id])
                for link in sorted(links, key=lambda each: nearness[each.node_id])
                if link.opens_at(now)
            ],
        )


def _shared_from(place: Place, account_id: str) -> Node:
    """The nearest node by which the account has the permission that it has."""
    role = place.permission_of(account_id)
    chain = (place.node, *reversed(place.ancestors))
    return next(node for node in chain if node.shared_with.get(account_id) == role)
