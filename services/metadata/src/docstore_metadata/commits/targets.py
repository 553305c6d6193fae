"""Resolves where a write goes: the path or file it names, and what exists there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from docstore_metadata.commits.rules import OnConflict, Outcome, UploadIntent, decide
from docstore_metadata.errors import Locked, NameTaken, NoParentFolder, NotAFile
from docstore_metadata.tree.access import Action, Reader, authorize
from docstore_metadata.tree.locks import Holder
from docstore_metadata.tree.lookup import Tree
from docstore_metadata.tree.path_root import (
    PathRoot,
    authorize_path,
    nearest_place,
    own_root,
    path_root_at,
    refuse_file_in_way,
)
from docstore_metadata.tree.paths import Parts, split_path
from docstore_metadata.tree.places import Found, Place, place_at
from docstore_platform.errors import DomainError
from docstore_platform.mongodb.session import Session


@dataclass(slots=True)
class Target:
    """`current` is the file there, None if there is none; `found` the nodes on the way from its owner's root."""

    owner_id: str
    parts: Parts
    seen_path: str
    """As the writing account sees it."""
    current: Place | None
    found: Found

    @property
    def entries(self) -> int:
        """Number of journals that a change is appended to: the owner's and each reader's."""
        on_the_way = (self.found.get(self.parts[:depth]) for depth in range(len(self.parts) + 1))
        return 1 + len({account for node in on_the_way if node is not None for account in node.shared_with})

    def on_conflict(self, intent: UploadIntent) -> OnConflict:
        """`fail` for who may write to the file alone: a conflicted copy is put beside the file."""
        if self.current is None:
            return intent.on_conflict
        alone = intent.folder_id == self.current.node.id or not self.current.may_be_written_beside_by(intent.account_id)
        return "fail" if alone else intent.on_conflict

    def outcome(self, intent: UploadIntent, now: datetime) -> Outcome:
        """What a write becomes now. One to a locked file is a conflict; Locked if it can't be kept beside it."""
        current, on_conflict = self.current, self.on_conflict(intent)
        holder = Holder(intent.account_id, intent.lock_tokens, now)
        outcome = decide(current.node if current else None, intent.base_version, on_conflict)
        if outcome is Outcome.NEXT_VERSION and current is not None:
            try:
                holder.check(current)
            except Locked:
                if on_conflict == "fail":
                    raise
                outcome = Outcome.CONFLICTED_COPY
        if outcome is not Outcome.NEXT_VERSION:
            holder.check(nearest_place(self.found, self.parts[:-1]))
        return outcome


async def resolve(tree: Tree, intents: Sequence[UploadIntent], session: Session = None) -> list[Target | DomainError]:
    """The target of each, or why it may not be written to. Mostly by one query."""
    ids = {intent.file_id if intent.path is None else intent.parent_id for intent in intents}
    below = [_below(intent) for intent in intents]
    names = {
        (intent.parent_id, parts[0])
        for intent, parts in zip(intents, below, strict=True)
        if intent.parent_id and isinstance(parts, tuple) and parts
    }
    places, read = await tree.places_and_children([node_id for node_id in ids if node_id], names, session)
    goals = [_goal(intent, parts, places) for intent, parts in zip(intents, below, strict=True)]
    by_owner: defaultdict[str, list[Parts]] = defaultdict(list)
    for goal in goals:
        if isinstance(goal, Goal):
            by_owner[goal.base.owner_id].append(goal.parts)
    found = await tree.walk_all(by_owner, session, read)
    targets: list[Target | DomainError] = []
    for intent, goal in zip(intents, goals, strict=True):
        try:
            if isinstance(goal, DomainError):
                targets.append(goal)
            elif goal is not None:
                targets.append(_by_path(intent, goal, found[goal.base.owner_id]))
            else:
                targets.append(_by_id(intent, places.get(intent.file_id or "")))
        except DomainError as refusal:
            targets.append(refusal)
    return targets


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a path leads: from its owner's root, and as the writing account sees it."""

    base: PathRoot
    parts: Parts
    seen_path: str


def _below(intent: UploadIntent) -> Parts | DomainError | None:
    try:
        return None if intent.path is None else split_path(intent.path)
    except DomainError as refusal:
        return refusal


def _goal(
    intent: UploadIntent, below: Parts | DomainError | None, places: Mapping[str, Place]
) -> Goal | DomainError | None:
    if below is None or isinstance(below, DomainError):
        return below
    account_id, parent_id = intent.account_id, intent.parent_id
    try:
        own = parent_id is None or parent_id == account_id
        base = own_root(account_id) if own else path_root_at(intent, places.get(parent_id or ""))
        return Goal(base, base.full(below), base.seen(below))
    except DomainError as refusal:
        return refusal


def _by_path(intent: UploadIntent, goal: Goal, found: Found) -> Target:
    authorize_path(intent, found, goal.parts)
    refuse_file_in_way(found, goal.parts)
    if not intent.create_folders and goal.parts[:-1] not in found:
        raise NoParentFolder(f"The folder of {goal.seen_path} does not exist.")
    current = place_at(found, goal.parts)
    if current is not None and current.node.is_folder:
        raise NameTaken(f"{goal.seen_path} is a folder.")
    return Target(goal.base.owner_id, goal.parts, goal.seen_path, current, found)


def _by_id(reader: Reader, place: Place | None) -> Target:
    place = authorize(reader, place, Action.WRITE)
    if place.node.is_folder:
        raise NotAFile("A folder has no content.")
    parts, seen_path = place.parts, place.as_seen_by(reader.account_id).path
    chain = (*place.ancestors, place.node)
    found = {parts[:depth]: node for depth, node in enumerate(chain)}
    return Target(place.node.owner_id, parts, seen_path, place, found)
