"""Who sees which versions of a file: the owner all, everybody else those since it was shared with them."""

from docstore_metadata.storage import Store
from docstore_metadata.tree.rules import Place
from docstore_metadata.versions.rules import shared_since
from docstore_platform.database import Session


class VersionAccess:
    """Asked once the caller is known to be allowed to read the file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def first_visible(self, account_id: str, place: Place, session: Session = None) -> int:
        """Number of the first version that an account sees: the one that was current when the share was made."""
        node = place.node
        if node.owner_id == account_id:
            return 1
        shares = await self._store.shares.of_nodes([node.id, *place.ancestor_ids], session)
        since = shared_since(shares, account_id)
        if since is None:
            return node.version
        return await self._store.versions.number_at(node.id, since, session) or 1
