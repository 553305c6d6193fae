"""Activity on files and folders, derived from events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from docstore_events.catalogue.files import (
    FileCreated,
    FileDeleted,
    FileEvent,
    FileModified,
    FileMoved,
    FilePurged,
    FileRestored,
    FileTagged,
)
from docstore_events.catalogue.shares import FileShared, LinkCreated, LinkEvent, LinkRevoked, ShareEvent, ShareRevoked
from docstore_events.envelope import Envelope

ActivityKind = Literal[
    "created",
    "modified",
    "renamed",
    "moved",
    "tagged",
    "described",
    "deleted",
    "restored",
    "purged",
    "shared",
    "unshared",
    "link_created",
    "link_revoked",
]
BY_EVENT: Mapping[type[FileEvent | ShareEvent | LinkEvent], ActivityKind] = {
    FileCreated: "created",
    FileModified: "modified",
    FileMoved: "moved",
    FileTagged: "tagged",
    FileDeleted: "deleted",
    FileRestored: "restored",
    FilePurged: "purged",
    FileShared: "shared",
    ShareRevoked: "unshared",
    LinkCreated: "link_created",
    LinkRevoked: "link_revoked",
}
"""Events without an acting person are missing here: pruned versions, opened links, derived rights."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One action on a file or folder, with its name at that time."""

    id: str
    """Id of the event: ordered by time."""
    at: datetime
    what: ActivityKind
    actor_id: str
    file_id: str
    folder_id: str
    """Folder that contains it; empty if unknown."""
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For all readers: `version`, `previous_name`, `tags`; for owner and actor, `device`."""
    owner_facts: Mapping[str, Any] = field(default_factory=dict)
    """For the owner only: paths, and with whom it is shared."""
    owner_only: bool = False


def file_activity(envelope: Envelope[FileEvent]) -> Activity | None:
    """Return the activity of a file event; None if no account caused it. A visitor of a link is its device."""
    event = envelope.event
    what = BY_EVENT.get(type(event))
    if what is None:
        return None
    facts: dict[str, Any] = {}
    owner_facts: dict[str, Any] = {}
    if isinstance(event, FileMoved):
        before, now = _split(event.previous_path), _split(event.path)
        if before.name != now.name:
            facts["previous_name"] = before.name
        if before.folder == now.folder:
            what = "renamed"
        else:
            owner_facts = {"from": before.folder, "to": now.folder}
    elif isinstance(event, FileTagged) and "tags" not in event.changed:
        what = "described"
    elif isinstance(event, FileTagged):
        facts["tags"] = list(event.file.tags)
    elif isinstance(event, FileCreated | FileModified) and event.file.kind == "file":
        facts = {"version": event.file.version, "device": event.file.device or None}
    if event.by_link:
        facts["device"] = event.by_link
    return Activity(
        id=envelope.id,
        at=envelope.time,
        what=what,
        actor_id=event.actor_id,
        file_id=event.file.file_id,
        folder_id=event.file.parent_id,
        name=event.file.name,
        facts=facts,
        owner_facts=owner_facts,
    )


class _Path(NamedTuple):
    folder: str
    name: str


def _split(path: str) -> _Path:
    folder, _, name = path.rpartition("/")
    return _Path(folder or "/", name)


def sharing_activity(envelope: Envelope[ShareEvent] | Envelope[LinkEvent]) -> Activity | None:
    """Return the activity of a share or a link, visible to the owner only."""
    event = envelope.event
    what = BY_EVENT.get(type(event))
    if what is None:
        return None
    actor_id, owner_facts = event.owner_id, dict[str, Any]()
    if isinstance(event, ShareEvent):
        actor_id, owner_facts = event.actor_id, {"email": event.email, "role": event.role}
    return Activity(
        id=envelope.id,
        at=envelope.time,
        what=what,
        actor_id=actor_id,
        file_id=event.file_id,
        folder_id=event.ancestors[-1] if event.ancestors else "",
        name=event.file_name,
        owner_facts=owner_facts,
        owner_only=True,
    )
