"""`docstore put`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from docstore_cli.failures import Failures
from docstore_cli.failures import each as for_each
from docstore_cli.options import AsJson, errors, print_json, shown, size_text
from docstore_cli.remote_path import BASE, SHARED, RemotePath, find, located, placed
from docstore_cli.sessions.session import as_person
from docstore_cli.transfers.local_tree import name_for, scan
from docstore_cli.transfers.progress import showing
from docstore_cli.transfers.unchanged import Unchanged
from docstore_client import AsyncClient, DocStoreError, LocalError, Source
from docstore_client.blocks.chunking import BLOCKS_FROM
from docstore_client.models import File
from docstore_client.sources import measure

PARALLEL_READS = 4

Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES... [DEST]", help="The last argument is the destination if it begins with /, shared: or id:."
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Also upload files that are there already.")]


@dataclass(frozen=True, slots=True)
class Planned:
    """A local file and its target."""

    local: Path
    target: RemotePath
    size: int = 0
    sha256: str = ""
    """Empty for a large file, which is read only once, while it is sent."""

    @property
    def source(self) -> Source:
        measured = (self.size, self.sha256) if self.sha256 else None
        return Source(self.local, self.target.path, parent_id=self.target.base, measured=measured)


@dataclass(slots=True)
class Outcome:
    sent: list[File] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failures: Failures = field(default_factory=Failures)

    def as_json(self) -> dict[str, Any]:
        return {"sent": self.sent, "unchanged": self.unchanged, "failed": self.failures.items}


def put(files: Files, force: Force = False, as_json: AsJson = False) -> None:
    """Upload files and folders; files that are there already are skipped.

    Interrupted uploads of large files resume. Symbolic links in folders are skipped.
    """
    outcome = as_person(lambda docstore: Put(docstore, force=force).run(*split_arguments(files)))
    if as_json:
        print_json(outcome.as_json())
    else:
        size = size_text(sum(file.size for file in outcome.sent))
        typer.echo(f"{len(outcome.sent)} sent ({size}), {len(outcome.unchanged)} unchanged")
    outcome.failures.end()


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], RemotePath]:
    """Split into sources and destination; by default the root."""
    *sources, last = arguments
    if sources and last.startswith(("/", BASE, SHARED)):
        return sources, RemotePath.parse(last)
    return list(arguments), RemotePath((), is_folder=True)


class Put:
    """One run of the command."""

    def __init__(self, docstore: AsyncClient, *, force: bool) -> None:
        self._docstore = docstore
        self._force = force
        self._unchanged = Unchanged(docstore)
        self._outcome = Outcome()

    async def run(self, sources: Sequence[str], destination: RemotePath) -> Outcome:
        destination = await located(self._docstore, destination)
        there = await find(self._docstore, destination)
        names = [name_for(source) for source in sources]
        places = placed(there.kind if there else None, is_folder=destination.is_folder, names=names)
        planned: list[Planned] = []
        for source, place in zip(sources, places, strict=True):
            planned += await self._plan(Path(source), destination.child(place))
        await self._send(_without_doubles(planned, self._outcome.failures))
        return self._outcome

    async def _plan(self, source: Path, target: RemotePath) -> list[Planned]:
        """Plan the uploads of a source."""
        try:
            tree = await asyncio.to_thread(scan, source)
        except OSError as error:
            self._outcome.failures.note(str(source), error)
            return []
        for path in tree.left_out:
            errors.print(f"skipped: {shown(str(path))}", soft_wrap=True, highlight=False, markup=False)
        for path, reason in tree.unreadable:
            self._outcome.failures.note(str(path), reason)
        folders = [target.child(*names) for names in tree.empty_folders]
        await for_each(folders, self._outcome.failures, self._make_folder)
        planned = await self._measured([Planned(local, target.child(*names)) for local, names in tree.files])
        if self._force or not planned:
            return planned
        is_folder = tree.files[0][1] != ()
        digests = {each.target: each.sha256 for each in planned if each.sha256}
        same = await (self._unchanged.below(target, digests) if is_folder else self._unchanged.among(digests))
        same |= await self._unchanged.among_large({each.target: each.local for each in planned if not each.sha256})
        self._outcome.unchanged += sorted(map(str, same))
        return [each for each in planned if each.target not in same]

    async def _make_folder(self, folder: RemotePath) -> None:
        _check_text(folder)
        await self._docstore.make_folder(folder.path, parent_id=folder.base)

    async def _measured(self, planned: list[Planned]) -> list[Planned]:
        room = asyncio.Semaphore(PARALLEL_READS)

        async def measured(each: Planned) -> Planned | None:
            async with room:
                try:
                    _check_text(each.target)
                    size, sha256 = await asyncio.to_thread(_measure_small, each.local)
                except (LocalError, OSError) as error:
                    self._outcome.failures.note(str(each.local), error)
                    return None
                return Planned(each.local, each.target, size, sha256)

        return [each for each in await asyncio.gather(*map(measured, planned)) if each is not None]

    async def _send(self, planned: list[Planned]) -> None:
        with showing("sending", sum(each.size for each in planned)) as progress:
            results = await self._docstore.upload_many([each.source for each in planned], progress)
        for each, result in zip(planned, results, strict=True):
            self._note(each, result)

    def _note(self, planned: Planned, result: File | DocStoreError) -> None:
        if isinstance(result, File):
            self._outcome.sent.append(result)
        else:
            self._outcome.failures.note(str(planned.local), result)


def _check_text(target: RemotePath) -> None:
    try:
        str(target).encode()
    except UnicodeEncodeError:
        raise LocalError("its name is not valid Unicode") from None


def _measure_small(path: Path) -> tuple[int, str]:
    size = path.stat().st_size
    return (size, "") if size >= BLOCKS_FROM else measure(path)


def _without_doubles(planned: Sequence[Planned], failures: Failures) -> list[Planned]:
    """Drop names that are equal in Unicode normalization form; the first one is sent."""
    first: dict[RemotePath, Planned] = {}
    for each in planned:
        if each.target in first:
            failures.note(str(each.local), LocalError(f"it would replace {first[each.target].local}"))
        else:
            first[each.target] = each
    return list(first.values())
