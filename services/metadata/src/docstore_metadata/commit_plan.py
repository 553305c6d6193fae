"""What one transaction of commits will do: worked out item by item, then written together."""

from collections.abc import Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime

from docstore_metadata.announcing import Announcer
from docstore_metadata.documents import tag_fields
from docstore_metadata.domain import Node, OnConflict, Outcome, Place, Version, check_tags, decide
from docstore_metadata.errors import Refusal
from docstore_metadata.paths import conflict_note, noted_names, with_note
from docstore_metadata.presentation import Json, item_problem, place_json
from docstore_metadata.retention import first_replaced_at, versions_to_prune
from docstore_metadata.retention_policy import Bounds
from docstore_metadata.storage import Store
from docstore_metadata.targets import Changes, Target
from docstore_platform.ids import new_id
from docstore_platform.mongo import Document, Session, UpdateOne


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """An uploaded object that is to become a version. Size in bytes; either a path or a file's id is given."""

    upload_id: str
    account_id: str
    device: str
    path: str | None
    parent_id: str | None = None
    file_id: str | None
    size: int
    content_type: str
    sha256: str
    object_key: str
    base_version: int | None
    on_conflict: OnConflict
    tags: tuple[str, ...]
    client_modified_at: datetime | None = None
    uploaded_at: datetime
    context: Context = field(default_factory=copy_context, compare=False)
    """The request's context: its events belong to its trace, also when requests are committed together."""


class NotIndependent(Exception):
    """Two commits of a batch are about one file: they must be taken one after the other."""


class CommitPlan:
    """Collects the changes of commits by one account."""

    def __init__(
        self,
        store: Store,
        session: Session,
        changes: Changes,
        announcer: Announcer,
        histories: Mapping[str, Sequence[Version]],
        bounds: Bounds,
    ) -> None:
        self._store = store
        self._session = session
        self._changes = changes
        self._announcer = announcer
        self._histories = histories
        self._bounds = bounds
        self._changed: set[str] = set()
        self._answers: dict[str, Json] = {}
        self._object_keys: list[str] = []

    async def add(self, commit: Commit, target: Target | Refusal) -> Json:
        """The answer to one commit."""
        try:
            if isinstance(target, Refusal):
                raise target
            current = target.current.node if target.current else None
            outcome = decide(current, commit.base_version, target.on_conflict(commit))
            if outcome is Outcome.NEXT_VERSION:
                assert target.current is not None
                answer = commit.context.run(self._next_version, commit, target.current)
            else:
                conflicted = outcome is Outcome.CONFLICTED_COPY
                name = await self._conflict_name(commit, target) if conflicted else target.parts[-1]
                answer = commit.context.run(self._new_file, commit, target, name)
                answer["conflicted"] = conflicted
            self._object_keys.append(commit.object_key)
        except Refusal as refusal:
            answer = item_problem(refusal)
        self._answers[commit.upload_id] = answer
        return answer

    async def write(self) -> None:
        """Answers first: a refusal is final, too, since what was sent is deleted after it. Of two transactions that
        answer one upload in different ways, one fails."""
        rows = [
            {"_id": upload_id, "answer": answer, "at": self._changes.now} for upload_id, answer in self._answers.items()
        ]
        await self._store.commits.insert_many(rows, session=self._session)
        if self._object_keys:
            await self._changes.write(self._store, self._session)
            await self._store.insert_objects(self._object_keys, self._session)

    def _next_version(self, commit: Commit, place: Place) -> Json:
        node = place.node
        if node.id in self._changed:
            raise NotIndependent
        self._changed.add(node.id)
        if commit.tags:
            node.tags = check_tags(commit.tags)
        node.version += 1
        node.size, node.sha256, node.content_type = commit.size, commit.sha256, commit.content_type
        node.object_key, node.client_modified_at = commit.object_key, commit.client_modified_at
        node.modified_at, node.modified_by, node.device = commit.uploaded_at, commit.account_id, commit.device
        version = new_version(node, upload_id=commit.upload_id)
        event_id = self._announcer.modified(place, added_bytes=commit.size, upload_id=commit.upload_id)
        add_version(place, version, self._histories, self._bounds, self._changes, self._announcer)
        return {
            "file": place_json(place, commit.account_id),
            "version": node.version,
            "conflicted": False,
            "event_id": event_id,
        }

    def _new_file(self, commit: Commit, target: Target, name: str) -> Json:
        tags = check_tags(commit.tags)
        folder = self._changes.make_folder(target.owner_id, target.parts[:-1], target.found, self._announcer)
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
            size=commit.size,
            content_type=commit.content_type,
            sha256=commit.sha256,
            version=1,
            object_key=commit.object_key,
            client_modified_at=commit.client_modified_at,
            kept_versions=1,
        )
        place = folder.child(node)
        self._changes.add(node)
        self._changes.new_versions.append(new_version(node, upload_id=commit.upload_id))
        event_id = self._announcer.created(place, commit.upload_id)
        return {"file": place_json(place, commit.account_id), "version": 1, "event_id": event_id}

    async def _conflict_name(self, commit: Commit, target: Target) -> str:
        name, note = target.parts[-1], conflict_note(commit.uploaded_at.date(), commit.device)
        folder = target.found.get(target.parts[:-1])
        if folder is None:
            return with_note(name, note)
        taken = {node.name for node in self._changes.new_nodes if node.parent_id == folder.id}
        return await self._store.free_name(folder.id, noted_names(name, note), self._session, taken)


def new_version(node: Node, *, upload_id: str | None, restored_from: int | None = None) -> Version:
    """The version that a file's current state is."""
    return Version(
        node_id=node.id,
        owner_id=node.owner_id,
        number=node.version,
        object_key=node.object_key,
        size=node.size,
        sha256=node.sha256,
        content_type=node.content_type,
        client_modified_at=node.client_modified_at,
        created_at=node.modified_at,
        created_by=node.modified_by,
        device=node.device,
        upload_id=upload_id,
        restored_from=restored_from,
    )


def add_version(
    place: Place,
    version: Version,
    histories: Mapping[str, Sequence[Version]],
    bounds: Bounds,
    changes: Changes,
    announcer: Announcer,
) -> None:
    """Keep a new current version, and give up the ones that its owner's policy has no room for.

    `histories`: the versions so far of those files that have as many as there may be, or more.
    """
    node, root = place.node, place.ancestors[0]
    version.came_at = max(changes.now, version.created_at)
    versions = [*histories.get(node.id, ()), version]
    pruned = versions_to_prune(versions, bounds.versions_kept(root.retention, changes.now), changes.now)
    for old in pruned:
        announcer.pruned(place, old)
    node.kept_versions += 1 - len(pruned)
    if pruned:
        node.replaced_from = first_replaced_at([kept for kept in versions if kept not in pruned])
    elif node.replaced_from is None:
        node.replaced_from = version.came_at
    node.cold_from = node.cold_from or version.came_at
    if root.versions_from is None and node.replaced_from is not None:
        root.versions_from = node.replaced_from
        changes.updates.append(UpdateOne({"_id": root.id}, {"$set": {"versions_from": root.versions_from}}))
    assert node.parent_id is not None
    changes.new_versions.append(version)
    changes.pruned.extend(pruned)
    changes.touched_folders.add(node.parent_id)
    changes.updates.append(UpdateOne({"_id": node.id}, {"$set": _version_fields(node)}))


def _version_fields(node: Node) -> Document:
    return {
        "version": node.version,
        "size": node.size,
        "sha256": node.sha256,
        "content_type": node.content_type,
        "object_key": node.object_key,
        "client_modified": node.client_modified_at,
        "modified": node.modified_at,
        "modified_by": node.modified_by,
        "device": node.device,
        "kept_versions": node.kept_versions,
        "replaced_from": node.replaced_from,
        "cold_from": node.cold_from,
        "revision": node.revision,
        **tag_fields(node.tags),
    }
