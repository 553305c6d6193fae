"""Which versions of a file an account may see."""

from docstore_metadata.storage import Store
from docstore_metadata.tree.rules import Place
from docstore_platform.database import Session


async def first_visible_version(store: Store, account_id: str, place: Place, session: Session = None) -> int:
    """Number of the first version that an account sees: the owner sees all, readers those since it was shared.

    The caller has checked that the account may read the file.
    """
    node = place.node
    if node.owner_id == account_id:
        return 1
    shares = await store.shares.of_nodes([node.id, *place.ancestor_ids], session)
    since = min((share.created_at for share in shares if share.account_id == account_id), default=None)
    if since is None:
        return node.version
    return await store.versions.number_at(node.id, since, session) or 1
