"""Fakes of repositories and transactions, in memory. They copy what they store, as a database does."""

from collections.abc import Awaitable, Callable, Container, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from sharing_fakes import FakeDecisions, FakeLinks, FakePeople, FakeShares

from docstore_events.transaction import Transaction, Transactor
from docstore_metadata.files.service import FileService
from docstore_metadata.jobs.repository import Job, JobKind
from docstore_metadata.links.service import LinkService
from docstore_metadata.people.repository import Person
from docstore_metadata.sharing.acceptance.service import ShareAcceptanceService
from docstore_metadata.sharing.rules import Share
from docstore_metadata.sharing.service import ShareService
from docstore_metadata.storage import Store
from docstore_metadata.trash.service import TrashService
from docstore_metadata.tree.documents import root_node
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.rules import Node, Version
from docstore_platform.mongodb.session import Session
from docstore_platform.security.cipher import Cipher
from docstore_platform.security.passwords import HashingSettings, Passwords
from docstore_platform.security.tokens import Principal

T = TypeVar("T")

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class FakeClock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class FakeTransactor:
    """Runs work once, and collects its events unless it fails. The journal is not written."""

    events: list[str] = field(default_factory=list)

    async def run(self, work: Callable[[Transaction], Awaitable[T]], *, lane: object = None) -> T:
        transaction = Transaction(None, "metadata", "")
        result = await work(transaction)
        self.events += [dict(row["headers"])["ce_type"].decode() for row in transaction.rows]
        return result


class FakeNodes:
    """The methods of Nodes that tests need."""

    def __init__(self) -> None:
        self.by_id: dict[str, Node] = {}

    def _chosen(self, wanted: Callable[[Node], bool]) -> list[Node]:
        return [replace(node) for node in self.by_id.values() if wanted(node)]

    async def by_ids(
        self, ids: Iterable[str], session: Session = None, *, names: Set[tuple[str, str]] = frozenset()
    ) -> list[Node]:
        requested = set(ids)
        return [*self._chosen(lambda node: node.id in requested), *await self.by_names(names)]

    async def by_names(self, names: Iterable[tuple[str, str]], session: Session = None) -> list[Node]:
        requested = set(names)
        return self._chosen(lambda node: node.live and (node.parent_id, node.name) in requested)

    async def with_ancestors(self, node_id: str, session: Session = None) -> list[Node]:
        chain: list[str] = []
        above = self.by_id.get(node_id)
        while above is not None:
            chain.append(above.id)
            above = self.by_id.get(above.parent_id or "")
        return await self.by_ids(chain)

    async def child_ids(self, folder_ids: Sequence[str], *, folders_only: bool, session: Session) -> list[str]:
        children = self._chosen(lambda node: node.live and node.parent_id in folder_ids)
        return [node.id for node in children if node.is_folder or not folders_only]

    async def any_of_others(self, folder_ids: Sequence[str], account_id: str, session: Session) -> bool:
        children = self._chosen(lambda node: node.live and node.parent_id in folder_ids)
        return any(node.inserter != account_id for node in children)

    async def children_by_age(
        self, folder_id: str, after: tuple[datetime, str] | None, limit: int, session: Session
    ) -> list[Node]:
        children = self._chosen(lambda node: node.live and node.parent_id == folder_id)
        ages = sorted(children, key=lambda node: (node.created_at, node.id))
        return [node for node in ages if after is None or (node.created_at, node.id) > after][:limit]

    async def make_root(self, account_id: str, now: datetime, session: Session) -> None:
        self.by_id.setdefault(account_id, root_node(account_id, now))

    async def bump(self, folder_ids: Iterable[str], session: Session) -> None:
        for folder_id in self.by_id.keys() & set(folder_ids):  # a new folder is inserted later
            self.by_id[folder_id].children_revision += 1

    async def lock_folder_moves(self, owner_id: str, session: Session) -> None: ...

    async def insert(self, nodes: Sequence[Node], session: Session) -> None:
        self.by_id |= {node.id: replace(node) for node in nodes}

    async def save(self, nodes: Iterable[tuple[Node, Iterable[str]]], session: Session) -> None:
        for node, attributes in nodes:
            for name in attributes:
                setattr(self.by_id[node.id], name, getattr(node, name))

    async def delete(self, ids: Sequence[str], session: Session) -> None:
        for node_id in ids:
            del self.by_id[node_id]

    async def free_name(
        self, parent_id: str, candidates: Iterator[str], session: Session, taken: Container[str] = ()
    ) -> str:
        names = {node.name for node in self.by_id.values() if node.live and node.parent_id == parent_id}
        return next(name for name in candidates if name not in names and name not in taken)


@dataclass
class FakeTrashedNodes:
    nodes: FakeNodes

    async def put_in(self, node: Node, root: Node, path: str, now: datetime, session: Session) -> None:
        stored, stored_root = self.nodes.by_id[node.id], self.nodes.by_id[root.id]
        stored_root.trash_from = stored_root.trash_from or now
        stored.live, stored.hidden, stored.revision = False, False, node.revision
        stored.trashed_at, stored.trashed_path = now, path

    async def hide(self, ids: Sequence[str], session: Session) -> None:
        for node_id in ids:
            self.nodes.by_id[node_id].trashed_at = None


@dataclass
class FakeAnnotatedNodes:
    nodes: FakeNodes

    async def children(self, folder_id: str) -> list[Node]:
        children = [node for node in self.nodes.by_id.values() if node.live and node.parent_id == folder_id]
        return [replace(node) for node in children if node.locks or node.properties]

    async def locked(self, owner_id: str, now: datetime, session: Session) -> list[Node]:
        mine = [node for node in self.nodes.by_id.values() if node.owner_id == owner_id]
        return [replace(node) for node in mine if any(lock.expires_at > now for lock in node.locks)]

    async def locks_of(self, account_id: str, now: datetime, session: Session) -> int:
        every = [lock for node in self.nodes.by_id.values() for lock in node.locks]
        return sum(lock.account_id == account_id and lock.expires_at > now for lock in every)


@dataclass
class FakeVersions:
    kept: dict[tuple[str, int], Version] = field(default_factory=dict)
    """By file and number."""
    read: int = 0
    """How many were returned."""

    async def now(self) -> datetime:
        return datetime.min.replace(tzinfo=UTC)

    async def get(self, node_id: str, number: int, session: Session = None) -> Version | None:
        self.read += (node_id, number) in self.kept
        return self.kept.get((node_id, number))

    async def of(self, nodes: Sequence[Node], session: Session) -> dict[str, list[Version]]:
        found = {node.id: [each for each in self.kept.values() if each.node_id == node.id] for node in nodes}
        self.read += sum(map(len, found.values()))
        return found

    async def share_contents(self, keys: Iterable[str], session: Session) -> bool:
        return True

    async def insert(self, versions: Sequence[Version], session: Session) -> None:
        self.kept |= {(version.node_id, version.number): version for version in versions}

    async def remove(self, versions: Sequence[Version], now: datetime, session: Session) -> None:
        for version in versions:
            del self.kept[version.node_id, version.number]


@dataclass
class FakeJobs:
    added: list[tuple[JobKind, str]] = field(default_factory=list)
    """Kinds, with the folders to walk through."""
    due: list[Job] = field(default_factory=list)
    saved: list[Job] = field(default_factory=list)
    """Jobs as they were after each step."""
    postponed: list[Job] = field(default_factory=list)
    wakeup_name: str = "jobs"

    async def add(
        self,
        kind: JobKind,
        node: Node,
        actor_id: str,
        transaction: Transaction,
        *,
        by_link: str = "",
        before: datetime | None = None,
    ) -> None:
        self.added.append((kind, node.id))

    async def any_open(self, owner_id: str, session: Session) -> bool:
        return any(job.owner_id == owner_id for job in self.due)

    async def claim(self) -> Job | None:
        return self.due.pop(0) if self.due else None

    async def save(self, job: Job, session: Session) -> None:
        self.saved.append(replace(job, steps=list(job.steps)))

    async def postpone(self, job: Job) -> None:
        self.postponed.append(job)


@dataclass
class FakeStore:
    nodes: FakeNodes = field(default_factory=FakeNodes)
    versions: FakeVersions = field(default_factory=FakeVersions)
    shares: FakeShares = field(default_factory=FakeShares)
    people: FakePeople = field(default_factory=FakePeople)
    decisions: FakeDecisions = field(default_factory=FakeDecisions)
    links: FakeLinks = field(default_factory=FakeLinks)
    jobs: FakeJobs = field(default_factory=FakeJobs)

    def __post_init__(self) -> None:
        self.trash = FakeTrashedNodes(self.nodes)
        self.annotated = FakeAnnotatedNodes(self.nodes)


def person(account_id: str) -> Principal:
    return Principal(account_id, f"session of {account_id}", "user", "laptop")


class Desk:
    """One account with its files, and the use cases, on fakes."""

    def __init__(self) -> None:
        self.clock, self.fakes, self.published = FakeClock(), FakeStore(), FakeTransactor()
        self.caller = person("ann")
        self.store, self.transactor = cast("Store", self.fakes), cast("Transactor", self.published)
        self.tree = Tree(self.store.nodes, self.clock)
        base = self.store, self.tree, self.transactor
        self.trash = TrashService(*base, clock=self.clock)
        self.files = FileService(*base, self.trash, clock=self.clock)
        self.shares = ShareService(*base, lambda _: None, clock=self.clock)
        self.acceptance = ShareAcceptanceService(*base, clock=self.clock)
        passwords, cipher = Passwords(HashingSettings()), Cipher("links", "secret")
        self.links = LinkService(*base, passwords, cipher, "https://example.com", clock=self.clock)

    def sign_up(self, *names: str) -> None:
        """Create people with proven addresses."""
        people = {f"{name}@example.com": Person(name, 1, name.title(), verified=True) for name in names}
        self.fakes.people.by_key |= people

    async def share(self, path: str, email: str) -> Share:
        """A new folder, shared by the caller."""
        share, _ = await self.shares.share(self.caller, (await self.folder(path)).id, email, {"role": "viewer"})
        return share

    async def folder(self, path: str) -> Node:
        place, _ = await self.files.make_folder(self.caller, path)
        return place.node

    async def path(self, node: Node) -> str:
        return (await self.files.get(self.caller, node.id)).path
