"""The repositories that use cases share."""

from dataclasses import dataclass
from typing import Self

from docstore_metadata.commits.repository import CommitResults, MongoCommitResults
from docstore_metadata.links.repository import Links, MongoLinks
from docstore_metadata.people.repository import MongoPeople, People
from docstore_metadata.sharing.acceptance.repository import Decisions, MongoDecisions
from docstore_metadata.sharing.repository import MongoShares, Shares
from docstore_metadata.trash.repository import MongoTrashedNodes, TrashedNodes
from docstore_metadata.tree.repository import MongoNodes, Nodes
from docstore_metadata.versions.repository import MongoVersions, Versions
from docstore_platform.mongo import Database


@dataclass(frozen=True, slots=True)
class Store:
    nodes: Nodes
    trash: TrashedNodes
    versions: Versions
    commits: CommitResults
    shares: Shares
    people: People
    decisions: Decisions
    links: Links

    @classmethod
    def in_mongo(cls, database: Database) -> Self:
        nodes = database["nodes"]
        return cls(
            MongoNodes(nodes),
            MongoTrashedNodes(nodes),
            MongoVersions(database),
            MongoCommitResults(database["commits"]),
            MongoShares(database),
            MongoPeople(database),
            MongoDecisions(database),
            MongoLinks(database),
        )

    async def create_indexes(self) -> None:
        for repository in (
            self.nodes,
            self.trash,
            self.versions,
            self.commits,
            self.shares,
            self.people,
            self.decisions,
            self.links,
        ):
            await repository.create_indexes()
