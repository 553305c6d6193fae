"""Use case: find who can open a file or folder, by shares and links on it and on the folders above it."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_metadata.links.rules import Link
from docstore_metadata.sharing.rules import Share
from docstore_metadata.storage import UseCases
from docstore_metadata.tree.access import Action, authorize
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.rules import Node
from docstore_platform.security.tokens import Principal


@dataclass(frozen=True, slots=True)
class Overview:
    """Who can open `place`. Only its owner sees shares and links; the nearest come first."""

    place: Place
    shared_from: Node | None
    shares: Sequence[tuple[Share, Node]]
    links: Sequence[tuple[Link, Node]]


class AccessOverview(UseCases):
    """The use case."""

    async def of(self, principal: Principal, node_id: str) -> Overview:
        """Collect who can open it; NotFound for callers who may not read it."""
        account_id = principal.account_id
        place = authorize(principal, await self.tree.place(node_id), Action.READ)
        if place.node.owner_id != account_id:
            return Overview(place, _shared_from(place, account_id), (), ())
        nodes = {node.id: node for node in (place.node, *reversed(place.ancestors))}
        shares = await self.store.shares.of_nodes(nodes)
        links = await self.store.links.of_nodes(nodes, None)
        now = self.clock()
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
    """The nearest node whose shares give the account its permission."""
    role = place.permission_of(account_id)
    chain = (place.node, *reversed(place.ancestors))
    return next(node for node in chain if node.shared_with.get(account_id) == role)
