"""`docstore put`."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from docstore_cli.failures import BadUsage, Failures
from docstore_cli.failures import each as for_each
from docstore_cli.option_groups import with_groups
from docstore_cli.options import AsJson, errors, shown, size_text
from docstore_cli.remote_path import BASE, SHARED, RemotePath, find, located, placed
from docstore_cli.sessions.session import as_person
from docstore_cli.transfers.local_tree import EVERYTHING, name_for, scan
from docstore_cli.transfers.options import How, TransferOptions
from docstore_cli.transfers.outcome import Outcome
from docstore_cli.transfers.progress import showing
from docstore_cli.transfers.unchanged import Unchanged
from docstore_client import AsyncClient, DocStoreError, LocalError, Source
from docstore_client.blocks.chunking import BLOCKS_FROM
from docstore_client.models import File
from docstore_client.sources import measure

PARALLEL_READS = 4
COPY_BYTES = 1 << 20
STDIN = "-"

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


class Sent(Outcome):
    DONE, PLANNED = "sent", "send"

    def summary(self) -> str:
        size = size_text(sum(file.size for file in self.done))
        return f"{len(self.done)} sent ({size})"


@with_groups
def put(
    files: Files,
    force: Force = False,
    *,
    transfer: TransferOptions,
    as_json: AsJson = False,
) -> None:
    """Upload files and folders, or stdin; files that are there already are skipped.

    Stdin is `-`, and needs a name: put - /folder/name. Interrupted uploads of large files resume. Symbolic links in
    folders are skipped.
    """
    how = transfer.how(force=force)
    send = _put_stdin if STDIN in files else _put
    outcome = as_person(lambda docstore: send(docstore, files, how), transfer.connection)
    outcome.show(dry_run=how.dry_run, as_json=as_json)


async def _put(docstore: AsyncClient, files: Sequence[str], how: How) -> Sent:
    return await Put(docstore, how).run(*split_arguments(files))


async def _put_stdin(docstore: AsyncClient, files: Sequence[str], how: How) -> Sent:
    """Upload what stdin has, as the file that is named. A temporary file takes it first: its size is unknown."""
    if how.dry_run or how.filters != EVERYTHING:
        raise BadUsage("stdin takes no filters and no --dry-run")
    sources, destination = split_arguments(files)
    if len(sources) > 1 or destination.is_folder or not destination.name:
        raise BadUsage("stdin is one file: put - /folder/name")
    there = await find(docstore, destination)
    if there is not None and there.is_folder:
        raise BadUsage(f"{destination} is a folder: name the file")
    with TemporaryDirectory(prefix="docstore-") as folder:
        local = Path(folder, "stdin")
        await asyncio.to_thread(_copy_stdin, local)
        return await Put(docstore, how).run([str(local)], destination)


def _copy_stdin(local: Path) -> None:
    with local.open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy, COPY_BYTES)


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], RemotePath]:
    """Split into sources and destination; by default the root."""
    *sources, last = arguments
    if sources and last.startswith(("/", BASE, SHARED)):
        return sources, RemotePath.parse(last)
    return list(arguments), RemotePath((), is_folder=True)


class Put:
    """One run of the command."""

    def __init__(self, docstore: AsyncClient, how: How) -> None:
        self._docstore = docstore
        self._how = how
        self._unchanged = Unchanged(docstore)
        self._outcome = Sent()

    async def run(self, sources: Sequence[str], destination: RemotePath) -> Sent:
        destination = await located(self._docstore, destination)
        there = await find(self._docstore, destination)
        names = [name_for(source) for source in sources]
        places = placed(there.kind if there else None, is_folder=destination.is_folder, names=names)
        planned: list[Planned] = []
        for source, place in zip(sources, places, strict=True):
            planned += await self._plan(Path(source), destination.child(place))
        planned = _without_doubles(planned, self._outcome.failures)
        if self._how.dry_run:
            self._outcome.planned += [str(each.target) for each in planned]
        else:
            await self._send(planned)
        return self._outcome

    async def _plan(self, source: Path, target: RemotePath) -> list[Planned]:
        """Plan the uploads of a source."""
        try:
            tree = await asyncio.to_thread(scan, source, self._how.filters)
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
        if self._how.force or not planned:
            return planned
        is_folder = tree.files[0][1] != ()
        digests = {each.target: each.sha256 for each in planned if each.sha256}
        same = await (self._unchanged.below(target, digests) if is_folder else self._unchanged.among(digests))
        same |= await self._unchanged.among_large({each.target: each.local for each in planned if not each.sha256})
        self._outcome.unchanged += sorted(map(str, same))
        return [each for each in planned if each.target not in same]

    async def _make_folder(self, folder: RemotePath) -> None:
        _check_text(folder)
        if self._how.dry_run:
            self._outcome.planned.append(f"{folder}/")
            return
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
            self._outcome.done.append(result)
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
