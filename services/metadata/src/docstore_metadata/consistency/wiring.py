"""Builds the comparison of the tree with what is stored of it."""

from docstore_contents.reader import Contents
from docstore_contents.s3.store import ObjectStore
from docstore_metadata.consistency.repository import MongoConsistencyRepairs, MongoStoredPages
from docstore_metadata.consistency.service import TreeConsistency
from docstore_metadata.storage import Core, Store
from docstore_platform.consistency import from_secondary


def tree_consistency(core: Core, objects: ObjectStore) -> TreeConsistency:
    """Comparisons read a secondary of the database, and look again at the primary before they repair."""
    secondary = from_secondary(core.database)
    return TreeConsistency(
        core.store,
        MongoConsistencyRepairs(core.database, core.clock),
        Store.in_mongo(secondary, lease_seconds=core.settings.job_lease_seconds),
        MongoStoredPages(secondary),
        MongoStoredPages(core.database),
        core.plain_tree,
        core.transactor,
        objects,
        Contents(objects),
        core.clock,
    )
