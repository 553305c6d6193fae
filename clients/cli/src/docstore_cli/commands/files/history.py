"""`docstore history`, `restore` and `trash`."""

from functools import partial
from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.failures import Failures, each
from docstore_cli.options import AsJson, print_json, shown, size_text, time_text
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person, every
from docstore_client import ApiError, AsyncClient
from docstore_client.models import File, Version

Path = Annotated[str, typer.Argument(metavar="PATH", help=PATH_HELP)]
Number = Annotated[
    int | None, typer.Option("--version", help="Version to restore; without it, restore from the trash.")
]
Empty = Annotated[bool, typer.Option("--empty", help="Delete everything in the trash forever, with all versions.")]


def history(path: Path, as_json: AsJson = False) -> None:
    """List the versions of a file, newest first."""

    async def work(docstore: AsyncClient) -> list[Version]:
        file = await need(docstore, RemotePath.parse(path))
        return await every(partial(docstore.versions, file.id))

    versions = as_person(work)
    if as_json:
        print_json(versions)
        return
    for version in versions:
        notes = [f"restored from v{version.restored_from}"] if version.restored_from else []
        notes += ["current"] if version.current else []
        line = f"v{version.version:<5} {size_text(version.size):>10} {time_text(version.created_at)} "
        who = f"{version.created_by_name or 'someone'}, {version.device}"
        typer.echo(line + shown(" ".join([who, *(f"({note})" for note in notes)])))


def restore(path: Path, version: Number = None, as_json: AsJson = False) -> None:
    """Restore an old version, or a file or folder from the trash.

    The old version becomes the newest. Name trashed items by their former path, or by id.
    """

    async def work(docstore: AsyncClient) -> File:
        place = RemotePath.parse(path)
        if version is not None:
            return await docstore.restore_version((await need(docstore, place)).id, version)
        trashed = await every(docstore.trash)
        found = [file for file in trashed if str(place) in (file.path, f"id:{file.id}")]
        if not found:
            raise ApiError(404, "not_found", f"{place}: no such file or folder in the trash")
        return await docstore.restore(found[0].id)

    file = as_person(work)
    if as_json:
        print_json(file)
    else:
        typer.echo(shown(file.path))


def trash(empty: Empty = False, as_json: AsJson = False) -> None:
    """List the trash, newest first."""

    failures = Failures()

    async def work(docstore: AsyncClient) -> list[File]:
        files = {f"id:{file.id}": file for file in await every(docstore.trash)}
        if not empty:
            return list(files.values())

        async def purge(name: str) -> File:
            await docstore.purge(files[name].id)
            return files[name]

        return await each(files, failures, purge)

    files = as_person(work)
    if as_json:
        print_json(files)
    else:
        for file in files:
            when = time_text(file.trashed_at) if file.trashed_at else ""
            size = "" if file.is_folder else size_text(file.size)
            goes = f"  (deleted forever on {time_text(file.expires_at)})" if file.expires_at and not empty else ""
            typer.echo(f"id:{file.id} {when} {size:>10} {shown(file.path)}{'/' if file.is_folder else ''}{goes}")
    failures.end()
