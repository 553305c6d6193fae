"""Plans what one transaction of commits writes, item by item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from docstore_contracts.metadata import CommitResult, Committed
from docstore_metadata.changes.new_versions import add_version, new_version
from docstore_metadata.changes.recorder import FileEventRecorder
from docstore_metadata.changes.tree_changes import TreeChanges
from docstore_metadata.commits.rules import Commit, Outcome
from docstore_metadata.commits.targets import Target
from docstore_metadata.storage import Store
from docstore_metadata.tree.paths import conflict_note, noted_names, with_note
from docstore_metadata.tree.places import Place
from docstore_metadata.tree.retention_policy import Bounds
from docstore_metadata.tree.rules import NO_METADATA, Node, Version, check_tags
from docstore_metadata.tree.views.presentation import item_problem, place_json
from docstore_platform.errors import DomainError
from docstore_platform.ids import new_id
from docstore_platform.mongodb.session import Session


class NotIndependent(Exception):
    """Two commits of a batch are of the same file: they must be committed one after the other."""


@dataclass(slots=True)
class CommitPlan:
    """Collects the changes of commits by one account."""

    store: Store
    session: Session
    changes: TreeChanges
    recorder: FileEventRecorder
    histories: Mapping[str, Sequence[Version]]
    bounds: Bounds
    _changed: set[str] = field(default_factory=set)
    _results: dict[str, CommitResult] = field(default_factory=dict)
    _object_keys: list[str] = field(default_factory=list)

    def include(self, other: "CommitPlan") -> None:
        """Write the plan of another account, whose files are others, with this one."""
        self.changes.include(other.changes)
        self._results |= other._results
        self._object_keys += other._object_keys

    async def add(self, commit: Commit, target: Target | DomainError) -> CommitResult:
        """The answer to one commit."""
        try:
            if isinstance(target, DomainError):
                raise target
            outcome = target.outcome(commit, self.changes.now)
            if outcome is Outcome.NEXT_VERSION:
                assert target.current is not None
                result: CommitResult = commit.context.run(self._next_version, commit, target.current)
            else:
                conflicted = outcome is Outcome.CONFLICTED_COPY
                name = await self._conflict_name(commit, target) if conflicted else target.parts[-1]
                result = commit.context.run(self._new_file, commit, target, name, conflicted)
            self._object_keys.append(commit.object_key)
        except DomainError as refusal:
            result = item_problem(refusal)
        self._results[commit.upload_id] = result
        return result

    async def write(self) -> None:
        """Write the results first: of two transactions that commit one upload differently, one fails.

        A refusal is stored as well, since the uploaded object is deleted after it.
        """
        await self.store.commits.insert(self._results, self.changes.now, self.session)
        if self._object_keys:
            await self.changes.write(self.store, self.session)
            await self.store.versions.add_contents(self._object_keys, self.session)

    def _next_version(self, commit: Commit, place: Place) -> Committed:
        node = place.node
        if node.id in self._changed:
            raise NotIndependent
        self._changed.add(node.id)
        if commit.tags:
            node.tags = check_tags(commit.tags)
        if commit.metadata is not None:
            node.metadata = commit.metadata
        node.begin_version(commit.account_id, commit.uploaded_at, commit.device)
        node.size, node.sha256, node.content_type = commit.size, commit.sha256, commit.content_type
        node.object_key, node.client_modified_at = commit.object_key, commit.client_modified_at
        version = new_version(node, upload_id=commit.upload_id)
        recorder = self.recorder.by(commit.by_link)
        event_id = recorder.modified(place, added_bytes=commit.size, upload_id=commit.upload_id)
        add_version(place, version, self.histories, self.bounds, self.changes, self.recorder)
        return _committed(place, commit, event_id, conflicted=False)

    def _new_file(self, commit: Commit, target: Target, name: str, conflicted: bool) -> Committed:
        tags = check_tags(commit.tags)
        folder = self.changes.make_folder(target.owner_id, target.parts[:-1], target.found, self.recorder)
        node = Node(
            id=new_id(),
            owner_id=target.owner_id,
            parent_id=folder.node.id,
            name=name,
            kind="file",
            created_at=commit.uploaded_at,
            modified_at=commit.uploaded_at,
            modified_by=commit.account_id,
            device=commit.device,
            tags=tags,
            metadata=commit.metadata or NO_METADATA,
            size=commit.size,
            content_type=commit.content_type,
            sha256=commit.sha256,
            version=1,
            object_key=commit.object_key,
            client_modified_at=commit.client_modified_at,
            kept_versions=1,
        )
        place = folder.child(node)
        self.changes.add(node)
        self.changes.new_versions.append(new_version(node, upload_id=commit.upload_id))
        event_id = self.recorder.by(commit.by_link).created(place, commit.upload_id)
        return _committed(place, commit, event_id, conflicted)

    async def _conflict_name(self, commit: Commit, target: Target) -> str:
        name, note = target.parts[-1], conflict_note(commit.uploaded_at.date(), commit.device)
        folder = target.found.get(target.parts[:-1])
        if folder is None:
            return with_note(name, note)
        taken = {node.name for node in self.changes.new_nodes if node.parent_id == folder.id}
        return await self.store.nodes.free_name(folder.id, noted_names(name, note), self.session, taken)


def _committed(place: Place, commit: Commit, event_id: str, conflicted: bool) -> Committed:
    return {
        "file": place_json(place, commit.account_id),
        "version": place.node.version,
        "conflicted": conflicted,
        "event_id": event_id,
    }
