"""The tree as routes read it: what is looked at in the same moment is read in one query."""

from docstore_metadata.tree.batched_reads import BatchedReads
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.repository import Nodes
from docstore_metadata.tree.rules import Place
from docstore_platform.clock import Clock, utc_now
from docstore_platform.database import Session


class BatchingTree(Tree):
    """Reads outside of transactions of nodes seen before go together while there are many of them."""

    def __init__(self, nodes: Nodes, clock: Clock = utc_now) -> None:
        super().__init__(nodes, clock)
        self._reads = BatchedReads(self.places)

    async def place(self, node_id: str, session: Session = None) -> Place | None:
        if session is not None or node_id not in self._parents:
            return await super().place(node_id, session)
        return await self._reads.get(node_id)
