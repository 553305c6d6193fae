"""Computes the actions that make the local and the remote tree equal. Pure; standard library only.

matching.py matches entries, merging.py decides goals, ordering.py orders the steps. A plan may be carried out in part:
the next plan continues from there.
"""

from collections.abc import Iterable, Mapping

from docstore_sync.model import (
    IGNORED,
    OUTSIDE,
    Action,
    ActionType,
    Kind,
    LocalEntry,
    Node,
    Plan,
    RemoteEntry,
    SkippedPath,
    SyncedEntry,
)
from docstore_sync.names import Rules
from docstore_sync.planning.leaving import leave
from docstore_sync.planning.matching import join
from docstore_sync.planning.merging import Ignored, Merger
from docstore_sync.planning.ordering import Steps
from docstore_sync.planning.pruning import prune_unchanged

MANY_FILES = 10
MOST = 0.5


def plan(
    local: Mapping[str, LocalEntry],
    remote: Iterable[RemoteEntry],
    synced: Iterable[SyncedEntry],
    *,
    root_id: str,
    rules: Rules,
    ignored: Ignored = lambda _path, _is_folder: False,
    outside: Ignored = lambda _path, _is_folder: False,
    apart: str = "",
) -> Plan:
    """Plan after removing unchanged nodes. `local` by path, as in `a/b`; `apart`: a folder with no moves in or out.

    `ignored` paths are left as they are on both sides; those `outside` of the selected folders leave the disk.
    """
    rest = prune_unchanged(local, remote, synced, root_id=root_id, key=rules.key, outside=outside)
    trees = rest.local, rest.remote, rest.synced
    made = plan_all(*trees, root_id=root_id, rules=rules, ignored=ignored, outside=outside, apart=apart)
    made.question = _question(made, rest.unchanged_files)
    return made


def plan_all(
    local: Mapping[str, LocalEntry],
    remote: Iterable[RemoteEntry],
    synced: Iterable[SyncedEntry],
    *,
    root_id: str,
    rules: Rules,
    ignored: Ignored = lambda _path, _is_folder: False,
    outside: Ignored = lambda _path, _is_folder: False,
    apart: str = "",
) -> Plan:
    """Plan without removing unchanged nodes and without asking to confirm deletions."""
    forest = join(local, remote, synced, root_id, apart)
    Merger(forest, rules, ignored, outside).run()
    here, there = Steps("local", forest.nodes, rules), Steps("remote", forest.nodes, rules)
    here.work_out()
    there.work_out()
    made = Plan(forest.root, forest.nodes, local_structure=here.structure, remote_structure=there.structure)
    made.transfers = here.transfers + there.transfers
    removed, forgotten = leave(forest.nodes)
    made.removals = here.removals + there.removals + removed
    made.records += forgotten
    leaving = {action.node for action in removed}
    for node in forest.nodes:
        if node.skip_reason:
            if _is_reported(node, leaving):
                made.skipped.append(SkippedPath(node.path("local") or node.path("remote"), node.skip_reason))
        elif node.goal is None:
            if node.synced_id and not node.local and not node.remote:
                made.records.append(Action(ActionType.FORGET, node))
        elif node.local and node.remote:
            _compare(node, made)
    return made


def _is_reported(node: Node, leaving: set[Node]) -> bool:
    """Whether people learn that a node is skipped: of what is outside of the selected folders, files kept here."""
    if node.skip_reason == OUTSIDE:
        return node.kind is Kind.FILE and node.local is not None and node not in leaving
    return node.skip_reason != IGNORED


def _compare(node: Node, made: Plan) -> None:
    """Plan the content transfer or record of a node that is on both sides."""
    local, remote, synced, goal = node.local, node.remote, node.synced, node.goal
    assert local
    assert remote
    assert goal
    if local.sha256 != remote.sha256:
        do = ActionType.DOWNLOAD if synced and synced.sha256 == local.sha256 else ActionType.UPLOAD
        made.transfers.append(Action(do, node, goal.parent, goal.name))
    elif local.is_at(goal.parent, goal.name) and remote.is_at(goal.parent, goal.name):
        known = synced is not None and node.synced_id == remote.key and synced.is_at(goal.parent, goal.name)
        if not (known and synced and (synced.key, synced.sha256) == (local.key, local.sha256)):
            made.records.append(Action(ActionType.RECORD, node))


def _question(made: Plan, unchanged_files: int) -> str:
    """Question to the user if most files would be deleted on one side: an unmounted disk, or a mistake."""
    synced = unchanged_files + sum(1 for node in made.nodes if node.synced_id and node.kind is Kind.FILE)
    steps = [*made.local_structure, *made.remote_structure, *made.removals]
    for do, where in ((ActionType.DELETE_LOCAL, "in the folder"), (ActionType.DELETE_REMOTE, "on the server")):
        deletions = [step for step in steps if step.do is do and not step.node.skip_reason]
        gone: set[Node] = {node for step in deletions for node in (step.node, *step.deleted_nodes)}
        files = sum(1 for node in gone if node.kind is Kind.FILE)
        if files > MANY_FILES and files > MOST * synced:
            return f"{files} of {synced} synced files would be deleted {where}"
    return ""
