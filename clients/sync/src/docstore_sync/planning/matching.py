"""Matches local, remote and synced entries that are the same file or folder. Standard library only.

A synced node is identified on the server by its id. Locally, it is identified by device and inode together with its
content, then by its path, then by its content alone. A folder is identified by device and inode; if another folder has
its path, also by its contents. New entries on both sides match if they have the same path.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from docstore_sync.model import Kind, LocalEntry, Location, Node, RemoteEntry, SyncedEntry

Place = tuple[Node, str]


@dataclass(slots=True)
class Forest:
    """The nodes of all three trees, without the root."""

    root: Node
    nodes: list[Node] = field(default_factory=list)


def join(
    local: Mapping[str, LocalEntry],
    remote: Iterable[RemoteEntry],
    synced: Iterable[SyncedEntry],
    root_id: str,
    apart: str = "",
) -> Forest:
    """Match the three trees. `local` by path, as in `a/b`; `apart`: a folder with no moves in or out."""
    root = Node(Kind.FOLDER, root_id=root_id)
    nodes = _with_ids(root, remote, synced)
    known = sorted((node for node in nodes if node.synced), key=lambda node: _claim(local, node), reverse=True)
    nodes += _match_local(root, local, known, f"{apart}/" if apart else "")
    return Forest(root, _pair_new(root, nodes))


def _with_ids(root: Node, remote: Iterable[RemoteEntry], synced: Iterable[SyncedEntry]) -> list[Node]:
    there, before = {entry.id: entry for entry in remote}, {entry.id: entry for entry in synced}
    nodes = {each: Node(row.kind) for each, row in before.items()} | {each: Node(e.kind) for each, e in there.items()}
    nodes[root.root_id] = root
    for row in before.values():
        nodes[row.id].synced_id = row.id
        if row.parent_id in nodes:
            nodes[row.id].synced = Location(nodes[row.parent_id], row.name, row.identity, row.sha256)
    for each in there.values():
        if each.parent_id in nodes:
            nodes[each.id].remote = Location(nodes[each.parent_id], each.name, each.id, each.sha256, each.version)
    del nodes[root.root_id]
    return list(nodes.values())


def _claim(local: Mapping[str, LocalEntry], node: Node) -> tuple[bool, bool, bool]:
    """How well a node fits its path: skipped nodes may still be recorded at a path that another now has."""
    assert node.synced
    entry = local.get(_place(node))
    is_same = entry is not None and entry.identity == node.synced.key
    return is_same, entry is not None and entry.sha256 == node.synced.sha256, node.remote is not None


def _place(node: Node) -> str:
    """Path where the node was synced; ancestors that were not synced are at their remote path."""
    *_, top = node.chain("synced")
    above = top.synced.parent.path("remote") if top.synced else ""
    return f"{above}/{node.path('synced')}" if above else node.path("synced")


def _match_local(root: Node, local: Mapping[str, LocalEntry], synced: list[Node], apart: str) -> list[Node]:
    """Assign a node to each local entry. Return new nodes. `synced`: best candidates of a path first."""
    by_identity = _by_identity(local, synced, apart)
    matched = set(by_identity.values())
    by_place = {(node.synced.parent, node.synced.name): node for node in reversed(synced) if node.synced}
    nodes: dict[str, Node] = {"": root}
    new_files: list[str] = []
    new: list[Node] = []
    for path in sorted(local, key=lambda path: path.count("/")):
        above, _, name = path.rpartition("/")
        entry, node = local[path], by_identity.get(path)
        if node is None:
            node = by_place.get((nodes[above], name))
            if node is None or node in matched or node.kind is not entry.kind:
                node = Node(entry.kind)
                new.append(node)
                if entry.kind is Kind.FILE and entry.sha256:
                    new_files.append(path)
            matched.add(node)
        nodes[path] = node
        node.local = Location(nodes[above], name, entry.identity, entry.sha256, trouble=entry.trouble)
    moved = _by_content(local, new_files, [node for node in synced if node not in matched], apart)
    for path, node in moved.items():
        node.local, nodes[path].local = nodes[path].local, None
    return [node for node in new if node.local]


def _by_identity(local: Mapping[str, LocalEntry], synced: list[Node], apart: str) -> dict[str, Node]:
    """Match by identity, by path: an entry must also have kept its path or its content, if that is readable.

    Some disks assign new inodes when they are mounted, so an identity alone may belong to another file.
    """
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for path, entry in local.items():
        if entry.identity and entry.kind is not Kind.OTHER:
            paths[entry.identity].append(path)
    places = {_place(node): node for node in reversed(synced)}
    found: dict[str, Node] = {}
    elsewhere: list[tuple[Node, str, list[str]]] = []
    for node in synced:
        assert node.synced
        place = _place(node)
        same = [path for path in paths.get(node.synced.key, ()) if local[path].kind is node.kind]
        if place in same:
            found.setdefault(place, node)
        elif same and not _has_what_the_server_has(local.get(place), node):
            elsewhere.append((node, place, same))
    inside = _by_folder(synced) if elsewhere else {}
    moved: dict[Node, str] = {}
    for node, place, same in elsewhere:
        free = [path for path in same if path not in found and _may_have_moved(place, path, apart)]
        kept = [path for path in free if _holds_its_own(local, node, place, path, inside.get(node, ()))]
        # An unreadable file may be this node: without a match, it would be deleted on the server.
        kept += [path for path in free if local[path].trouble]
        if kept:
            moved[node] = kept[0]
    for node, path in moved.items():
        # A file that replaced a deleted one which still exists on the server is its new version.
        replaced = places.get(path)
        is_version = replaced is not None and replaced.remote and replaced.kind is node.kind and replaced not in moved
        if path not in found and not is_version:
            found[path] = node
    return found


def _by_folder(synced: list[Node]) -> Mapping[Node, list[Node]]:
    found: defaultdict[Node, list[Node]] = defaultdict(list)
    for node in synced:
        assert node.synced
        found[node.synced.parent].append(node)
    return found


def _holds_its_own(local: Mapping[str, LocalEntry], node: Node, place: str, path: str, inside: Iterable[Node]) -> bool:
    """Whether the entry at `path` with a node's identity is that node: compare its content, or for a folder whether
    it contains more of what was `inside` than the folder at the old path does.
    """
    assert node.synced
    if node.kind is Kind.FILE:
        return local[path].sha256 == node.synced.sha256
    at_place = local.get(place)
    if at_place is None or at_place.kind is not Kind.FOLDER:
        return True

    def found_in(folder: str) -> int:
        return sum(1 for each in inside if each.synced and _may_be(local.get(f"{folder}/{each.synced.name}"), each))

    return found_in(path) > found_in(place)


def _may_be(entry: LocalEntry | None, node: Node) -> bool:
    """Whether an entry with a node's name is that node, by content or identity."""
    assert node.synced
    if entry is None or entry.kind is not node.kind:
        return False
    return entry.identity == node.synced.key or (node.kind is Kind.FILE and entry.sha256 == node.synced.sha256)


def _has_what_the_server_has(entry: LocalEntry | None, node: Node) -> bool:
    """Whether the content was uploaded already, but not recorded."""
    return bool(entry and entry.sha256 and node.remote and entry.sha256 == node.remote.sha256)


def _may_have_moved(place: str, path: str, apart: str) -> bool:
    return not apart or f"{path}/".startswith(apart) == f"{place}/".startswith(apart)


def _by_content(local: Mapping[str, LocalEntry], paths: list[str], missing: list[Node], apart: str) -> dict[str, Node]:
    """Match new files by content with missing nodes, preferring the same name."""
    by_content: defaultdict[str, list[Node]] = defaultdict(list)
    for node in missing:
        if node.kind is Kind.FILE and node.synced and node.synced.sha256:
            by_content[node.synced.sha256].append(node)
    found: dict[str, Node] = {}
    for path in paths:
        nodes = by_content.get(local[path].sha256, [])
        alike = [node for node in nodes if _may_have_moved(_place(node), path, apart)] if apart else nodes
        if alike:
            name = path.rpartition("/")[2]
            node = next((node for node in alike if node.synced and node.synced.name == name), alike[0])
            nodes.remove(node)
            found[path] = node
    return found


def _pair_new(root: Node, nodes: list[Node]) -> list[Node]:
    """Merge new local and new remote nodes that have the same path. Return all nodes."""
    here: defaultdict[Node, dict[str, Node]] = defaultdict(dict)
    there: defaultdict[Node, dict[str, Node]] = defaultdict(dict)
    for node in nodes:
        if node.local:
            here[node.local.parent][node.local.name] = node
        if node.remote:
            there[node.remote.parent][node.remote.name] = node
    gone: dict[Node, Node] = {}
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        for name, mine in here[folder].items():
            other = there[folder].get(name)
            if other is not None and other is not mine and mine.kind is other.kind:
                if mine.remote or other.local or other.synced or mine.kind is Kind.OTHER:
                    continue
                mine.remote = other.remote
                mine.synced_id = mine.synced_id or other.synced_id  # of a record whose folder is gone
                gone[other] = mine
                for child in there.pop(other, {}).values():
                    assert child.remote
                    child.remote.parent = mine
                    there[mine][child.remote.name] = child
        waiting += [node for node in here[folder].values() if node.kind is Kind.FOLDER]
    for node in nodes:
        if node.synced and node.synced.parent in gone:
            node.synced.parent = gone[node.synced.parent]
    return [node for node in nodes if node not in gone]
