"""From three trees to the actions that make two of them the same. Pure; standard library only.

matching.py says what is what, merging.py where everything is to be, ordering.py in which steps it gets there. A plan
may be carried out in part: planning again goes on from what there is then.
"""

from collections.abc import Iterable, Mapping

from docstore_sync.matching import join
from docstore_sync.merging import IGNORED, Ignored, Merger
from docstore_sync.model import Action, Aside, Do, Kind, LocalEntry, Node, Plan, RemoteEntry, SyncedEntry
from docstore_sync.names import Rules
from docstore_sync.ordering import Steps
from docstore_sync.settled import leave_out_settled

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
    apart: str = "",
) -> Plan:
    """`local` by path, as in `a/b`. `apart`: a folder that nothing is moved into or out of.

    What is the same everywhere is left out of it.
    """
    rest = leave_out_settled(local, remote, synced, root_id=root_id, key=rules.key)
    made = plan_all(rest.local, rest.remote, rest.synced, root_id=root_id, rules=rules, ignored=ignored, apart=apart)
    made.question = _question(made, rest.settled_files)
    return made


def plan_all(
    local: Mapping[str, LocalEntry],
    remote: Iterable[RemoteEntry],
    synced: Iterable[SyncedEntry],
    *,
    root_id: str,
    rules: Rules,
    ignored: Ignored = lambda _path, _is_folder: False,
    apart: str = "",
) -> Plan:
    """The same with nothing left out, and without asking whether all that is to be deleted is meant to be."""
    forest = join(local, remote, synced, root_id, apart)
    Merger(forest, rules, ignored).run()
    here, there = Steps("local", forest.nodes, rules), Steps("remote", forest.nodes, rules)
    here.work_out()
    there.work_out()
    made = Plan(forest.root, forest.nodes, structure_here=here.structure, structure_there=there.structure)
    made.transfers = here.transfers + there.transfers
    made.removals = here.removals + there.removals
    for node in forest.nodes:
        if node.aside:
            if node.aside != IGNORED:
                made.aside.append(Aside(node.path("local") or node.path("remote"), node.aside))
        elif node.goal is None:
            if node.synced_id and not node.local and not node.remote:
                made.records.append(Action(Do.FORGET, node))
        elif node.local and node.remote:
            _compare(node, made)
    return made


def _compare(node: Node, made: Plan) -> None:
    """What is to be done about the content of a node that is on both sides."""
    local, remote, synced, goal = node.local, node.remote, node.synced, node.goal
    assert local
    assert remote
    assert goal
    if local.sha256 != remote.sha256:
        do = Do.DOWNLOAD if synced and synced.sha256 == local.sha256 else Do.UPLOAD
        made.transfers.append(Action(do, node, goal.parent, goal.name))
    elif local.is_at(goal.parent, goal.name) and remote.is_at(goal.parent, goal.name):
        known = synced is not None and node.synced_id == remote.key and synced.is_at(goal.parent, goal.name)
        if not (known and synced and (synced.key, synced.sha256) == (local.key, local.sha256)):
            made.records.append(Action(Do.RECORD, node))


def _question(made: Plan, settled_files: int) -> str:
    """Most of the files are gone on one side: that may be a disk that is not mounted, or a mistake."""
    synced = settled_files + sum(1 for node in made.nodes if node.synced_id and node.kind is Kind.FILE)
    steps = [*made.structure_here, *made.structure_there, *made.removals]
    for do, where in ((Do.DELETE_HERE, "in the folder"), (Do.DELETE_THERE, "at the server")):
        deletions = [step for step in steps if step.do is do]
        gone: set[Node] = {node for step in deletions for node in (step.node, *step.doomed)}
        files = sum(1 for node in gone if node.kind is Kind.FILE)
        if files > MANY_FILES and files > MOST * synced:
            return f"{files} of {synced} synced files would be deleted {where}"
    return ""
