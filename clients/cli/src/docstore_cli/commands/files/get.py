"""`docstore get`."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.failures import BadUsage, Failures, each
from docstore_cli.option_groups import with_groups
from docstore_cli.options import AsJson, print_json
from docstore_cli.remote_path import RemotePath, name_of, need, placed
from docstore_cli.sessions.session import as_person
from docstore_cli.transfers.local_tree import EVERYTHING
from docstore_cli.transfers.options import How, TransferOptions
from docstore_cli.transfers.outcome import Outcome
from docstore_cli.transfers.progress import showing
from docstore_client import AsyncClient, DocStoreError, LocalError, Wanted
from docstore_client.models import File, Kind
from docstore_client.network.options import Options
from docstore_client.sources import Progress, measure
from docstore_sync.local.disk import ignores_case
from docstore_sync.names import fold, local_name_error

PARALLEL_READS = 4
PARALLEL_FOLDERS = 8
IS_WINDOWS = os.name == "nt"

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATHS... [DEST]", help=f"{PATH_HELP} The last argument is the local destination."),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Also download files that are here already.")]
Number = Annotated[
    int | None, typer.Option("--version", min=1, help="Version of the file; by default the current one.")
]

Zip = Annotated[
    Path | None,
    typer.Option("--zip", metavar="FILE", help="Write everything into this ZIP file; all PATHS are sources then."),
]


class Fetched(Outcome):
    DONE, PLANNED = "fetched", "fetch"


@with_groups
def get(
    paths: Paths,
    version: Number = None,
    force: Force = False,
    zip_file: Zip = None,
    *,
    transfer: TransferOptions,
    as_json: AsJson = False,
) -> None:
    """Download files and folders; files that are here already are skipped.

    Interrupted downloads resume. Each file is verified before it gets its name.
    """
    how = transfer.how(force=force)
    if zip_file is not None:
        if version is not None or how.dry_run or how.filters != EVERYTHING:
            raise typer.BadParameter(
                "--zip takes the current versions of everything: no --version, filters or --dry-run"
            )
        _get_zip(paths, zip_file, transfer.connection, as_json=as_json)
        return
    sources, destination = (paths[:-1], paths[-1]) if len(paths) > 1 else (paths, ".")

    async def work(docstore: AsyncClient) -> Fetched:
        places = [RemotePath.parse(source) for source in sources]
        return await Get(docstore, version, how).run(places, destination)

    as_person(work, transfer.connection).show(dry_run=how.dry_run, as_json=as_json)


def _get_zip(paths: Sequence[str], local: Path, options: Options, *, as_json: bool) -> None:
    async def work(docstore: AsyncClient) -> None:
        ids = [(await need(docstore, RemotePath.parse(path))).id for path in paths]
        with ExitStack() as shown:
            await docstore.download_zip(ids, local, lambda size: shown.enter_context(showing("fetching", size)))

    as_person(work, options)
    if as_json:
        print_json({"local": str(local), "size": local.stat().st_size})
    else:
        typer.echo(f"{local} written")


class Get:
    """One run of the command."""

    def __init__(self, docstore: AsyncClient, version: int | None, how: How) -> None:
        self._docstore = docstore
        self._version = version
        self._how = how
        self._outcome = Fetched()

    async def run(self, sources: Sequence[RemotePath], destination: str) -> Fetched:
        failures, there = self._outcome.failures, Path(destination)
        found = await each(sources, failures, lambda source: self._named(source))
        names = [name for name, _ in found]
        places = placed(_kind(there), is_folder=destination.endswith("/"), names=names) if found else []
        planned: list[tuple[File, Path]] = []
        for (_, file), place in zip(found, places, strict=True):
            planned += await self._plan(file, there / place)
        planned = _without_doubles(planned, there, failures)
        with showing("fetching", sum(file.size for file, _ in planned)) as progress:
            await self._fetch(planned, progress)
        return self._outcome

    async def _named(self, source: RemotePath) -> tuple[str, File]:
        file = await need(self._docstore, source)
        if file.is_folder and self._version is not None:
            raise BadUsage(f"{source} is a folder: it has no versions")
        return _safe(name_of(source, file)) if name_of(source, file) else "", file

    async def _plan(self, file: File, local: Path) -> list[tuple[File, Path]]:
        """List the files to download with their targets, and create folders."""
        if not file.is_folder:
            if self._how.filters.leaves_out(file.name, is_folder=False):
                return []
            return [(file, local)] if self._has_folder(file, local.parent) else []
        planned: list[tuple[File, Path]] = []
        level = [(file, local)]
        while level:
            level = [(folder, local) for folder, local in level if self._has_folder(folder, local)]
            below = [
                child
                for start in range(0, len(level), PARALLEL_FOLDERS)
                for child in await self._below(level[start : start + PARALLEL_FOLDERS], local)
            ]
            planned += [child for child in below if not child[0].is_folder]
            level = [child for child in below if child[0].is_folder]
        return planned

    def _has_folder(self, file: File, folder: Path) -> bool:
        """Create the target folder; return whether that succeeded. A dry run creates none."""
        try:
            if self._how.dry_run:
                return True
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._outcome.failures.note(file.path, error)
            return False
        return True

    async def _below(self, folders: Sequence[tuple[File, Path]], top: Path) -> list[tuple[File, Path]]:
        listed = await asyncio.gather(*(self._listed(folder) for folder, _ in folders))
        below: list[tuple[File, Path]] = []
        for (_, local), files in zip(folders, listed, strict=True):
            for file in files:
                try:
                    target = local / _safe(file.name)
                except LocalError as error:
                    self._outcome.failures.note(file.path, error)
                    continue
                if not self._how.filters.leaves_out(target.relative_to(top).as_posix(), file.is_folder):
                    below.append((file, target))
        return below

    async def _listed(self, folder: File) -> list[File]:
        """Items of a folder; none if it can't be listed, as it may have been deleted meanwhile."""
        try:
            return await self._docstore.list_folder(parent_id=folder.id)
        except DocStoreError as error:
            self._outcome.failures.note_or_raise(folder.path, error)
            return []

    async def _fetch(self, planned: Sequence[tuple[File, Path]], progress: Progress) -> None:
        room = asyncio.Semaphore(PARALLEL_READS)

        async def is_here(file: File, local: Path) -> bool:
            async with room:
                return await asyncio.to_thread(self._is_here, file, local)

        here = await asyncio.gather(*(is_here(*each) for each in planned))
        self._outcome.unchanged += [str(local) for (_, local), is_same in zip(planned, here, strict=True) if is_same]
        progress(sum(file.size for (file, _), is_same in zip(planned, here, strict=True) if is_same))
        if self._how.dry_run:
            self._outcome.planned += [
                str(local) for (_, local), is_same in zip(planned, here, strict=True) if not is_same
            ]
            return
        wanted = [Wanted(*each, self._version) for each, is_same in zip(planned, here, strict=True) if not is_same]
        for item, error in zip(wanted, await self._docstore.download_many(wanted, progress), strict=True):
            if error is not None:
                self._outcome.failures.note(item.file.path, error)
                continue
            number = self._version or item.file.version
            self._outcome.done.append({"path": item.file.path, "local": str(item.local), "version": number})

    def _is_here(self, file: File, local: Path) -> bool:
        """False if it can't be read: writing will then report the error."""
        try:
            is_same_size = local.is_file() and local.stat().st_size == file.size
            return not self._how.force and self._version is None and is_same_size and measure(local)[1] == file.sha256
        except OSError:
            return False


def _kind(path: Path) -> Kind | None:
    if path.is_dir():
        return "folder"
    return "file" if path.exists() else None


def _safe(name: str) -> str:
    """Reject names that are not one name on this system, such as with path separators, whatever the server sends."""
    if error := local_name_error(name, windows=IS_WINDOWS):
        raise LocalError(f"{name!r} can't be saved: {error}")
    return name


def _without_doubles(planned: Sequence[tuple[File, Path]], there: Path, failures: Failures) -> list[tuple[File, Path]]:
    """Drop files whose target another one has, also in other case if the disk ignores it; the first one is fetched."""
    folded = {fold(str(local)) for _, local in planned}
    key: Callable[[str], str] = fold if len(folded) < len(planned) and ignores_case(there) else str
    first: dict[str, File] = {}
    kept: list[tuple[File, Path]] = []
    for file, local in planned:
        target = key(str(local))
        if target not in first:
            first[target] = file
            kept.append((file, local))
        elif first[target].id != file.id:
            failures.note(file.path, LocalError(f"it would replace {first[target].path}"))
    return kept
