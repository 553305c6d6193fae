"""What a use case is built from: the transactor, the clock, and the repositories that features share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Self, TypeVar

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.annotations.repository import AnnotatedNodes, MongoAnnotatedNodes
from docstore_metadata.commits.repository import CommitResults, MongoCommitResults
from docstore_metadata.jobs.repository import Jobs, MongoJobs
from docstore_metadata.links.repository import Links, MongoLinks
from docstore_metadata.listing.repository import FolderPages, MongoFolderPages
from docstore_metadata.people.repository import MongoPeople, People
from docstore_metadata.settings import MetadataSettings
from docstore_metadata.sharing.acceptance.repository import Decisions, MongoDecisions
from docstore_metadata.sharing.repository import MongoShares, Shares
from docstore_metadata.trash.repository import MongoTrashedNodes, TrashedNodes
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.repository import MongoNodes, Nodes
from docstore_metadata.tree.views.batching_tree import BatchingTree
from docstore_metadata.versions.repository import MongoVersions, Versions
from docstore_platform.clock import Clock, utc_now
from docstore_platform.mongodb.client import Database, server_time
from docstore_platform.mongodb.session import DatabaseError, is_duplicate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Store:
    nodes: Nodes
    pages: FolderPages
    trash: TrashedNodes
    versions: Versions
    commits: CommitResults
    shares: Shares
    people: People
    decisions: Decisions
    links: Links
    jobs: Jobs
    annotated: AnnotatedNodes

    @classmethod
    def in_mongo(cls, database: Database, *, lease_seconds: float) -> Self:
        """`lease_seconds`: after how long another instance takes over the job of a dead one."""
        nodes = database["nodes"]
        return cls(
            MongoNodes(nodes),
            MongoFolderPages(nodes),
            MongoTrashedNodes(nodes),
            MongoVersions(database),
            MongoCommitResults(database["commits"]),
            MongoShares(database),
            MongoPeople(database),
            MongoDecisions(database),
            MongoLinks(database),
            MongoJobs(database, lease_seconds=lease_seconds),
            MongoAnnotatedNodes(nodes),
        )

    async def create_indexes(self) -> None:
        for repository in (getattr(self, each.name) for each in fields(self) if each.name != "pages"):
            await repository.create_indexes()


@dataclass(slots=True)
class UseCases:
    """Base class of use cases: the repositories, the tree, transactions and a clock."""

    store: Store
    tree: Tree
    transactor: Transactor
    clock: Clock = field(default=utc_now, kw_only=True)

    async def run_again_if_duplicate(self, work: Callable[[Transaction], Awaitable[T]], *, lane: str) -> T:
        """Run `work` in a transaction; again if a concurrent one has just created the same."""
        try:
            return await self.transactor.run(work, lane=lane)
        except DatabaseError as error:
            if not is_duplicate(error):
                raise
            return await self.transactor.run(work, lane=lane)


@dataclass(frozen=True, slots=True)
class Core:
    """What each feature is wired with."""

    settings: MetadataSettings
    database: Database
    transactor: Transactor
    store: Store
    tree: Tree
    """For requests: reads of those that run at the same time are one."""
    plain_tree: Tree
    """For what reads by itself."""
    clock: Clock

    @classmethod
    def of(cls, settings: MetadataSettings, database: Database, transactor: Transactor, clock: Clock) -> Self:
        store = Store.in_mongo(database, lease_seconds=settings.job_lease_seconds)
        return cls(settings, database, transactor, store, BatchingTree(store.nodes), Tree(store.nodes), clock)

    async def earlier_now(self) -> datetime:
        """The earlier of the service's and the database's clock: one may be wrong."""
        return min(self.clock(), await server_time(self.database))
