"""`docstore ls`, `mkdir`, `rm`, `mv` and `cp`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from docstore_cli.failures import BadUsage, Failures, each
from docstore_cli.filters import ItemFilters, pairs
from docstore_cli.option_groups import with_groups
from docstore_cli.options import AsJson, print_json, shown, size_text, time_text
from docstore_cli.remote_path import RemotePath, find, located, name_of, need, placed
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient
from docstore_client.list_options import ListOptions
from docstore_client.list_options import Sort as ApiSort
from docstore_client.models import File

PATH_HELP = "/folder/name; for shared items shared:NAME or id:ID, with /name below."

Paths = Annotated[list[str], typer.Argument(metavar="PATHS...", help=PATH_HELP)]
OptionalPaths = Annotated[list[str] | None, typer.Argument(metavar="[PATHS]...", help=PATH_HELP)]
Sources = Annotated[
    list[str], typer.Argument(metavar="SOURCES... DEST", help=f"{PATH_HELP} The destination comes last.")
]
Long = Annotated[bool, typer.Option("--long", "-l", help="Show access, version, size and time.")]


class Sort(StrEnum):
    """What a folder is listed by: names as people order them."""

    name = "name"
    created = "created"
    modified = "modified"
    size = "size"


ORDERS: dict[Sort, ApiSort] = {
    Sort.name: "natural",
    Sort.created: "created",
    Sort.modified: "modified",
    Sort.size: "size",
}
SortBy = Annotated[
    Sort, typer.Option("--sort", help="Sort ascending; names with folders first, ignoring case, numbers by value.")
]
Reverse = Annotated[bool, typer.Option("--reverse", "-r", help="Sort descending.")]
Recursive = Annotated[bool, typer.Option("--recursive", "-R", help="Also what is in folders below, by its path.")]
Tag = Annotated[str | None, typer.Option("--tag")]
Type = Annotated[str | None, typer.Option("--type", help="Such as application/pdf or image/*.")]
Prefix = Annotated[str | None, typer.Option("--prefix", help="Prefix of the name.")]


@with_groups
def ls(
    paths: OptionalPaths = None,
    long: Long = False,
    recursive: Recursive = False,
    sort: SortBy = Sort.name,
    reverse: Reverse = False,
    tag: Tag = None,
    type_: Type = None,
    prefix: Prefix = None,
    *,
    only: ItemFilters,
    as_json: AsJson = False,
) -> None:
    """List folders and files.

    Filters apply to the contents of folders; a file given by path is always listed.
    """
    failures = Failures()
    options = ListOptions(
        sort=ORDERS[sort],
        order="desc" if reverse else "asc",
        tag=tag,
        type=type_,
        prefix=prefix,
        modified_after=only.time("modified_after"),
        modified_before=only.time("modified_before"),
        created_after=only.time("created_after"),
        created_before=only.time("created_before"),
        kind=only.only_kind,
        owner=only.owner,
        metadata=pairs(only.meta),
    )

    async def work(docstore: AsyncClient) -> list[list[Listed]]:
        places = [RemotePath.parse(path) for path in paths or ["/"]]
        return await each(places, failures, lambda place: _list(docstore, place, options, recursive=recursive))

    listed = [one for listed in as_person(work) for one in listed]
    if as_json:
        print_json([one.file for one in listed])
    else:
        for one in listed:
            typer.echo(_long(one) if long else one.name)
    failures.end()


@dataclass(frozen=True, slots=True)
class Listed:
    """A file or folder, `below` the one that was to be listed."""

    file: File
    below: str = ""

    @property
    def name(self) -> str:
        """Its path from there, safe to print."""
        return shown(self.below + self.file.name) + ("/" if self.file.is_folder else "")


async def _list(docstore: AsyncClient, place: RemotePath, options: ListOptions, *, recursive: bool) -> list[Listed]:
    found = await need(docstore, place)
    if not found.is_folder:
        return [Listed(found)]
    if recursive:
        return await _list_below(docstore, found, "", options)
    return [Listed(file) for file in await docstore.list_folder(parent_id=found.id, **options)]


async def _list_below(docstore: AsyncClient, folder: File, below: str, options: ListOptions) -> list[Listed]:
    """List a folder, and each folder in it after its own line. Filters leave lines out, not folders to look into."""
    order: ListOptions = {"sort": options["sort"], "order": options["order"]}
    every = await docstore.list_folder(parent_id=folder.id, **order)
    is_filtered = any(value for name, value in options.items() if name not in order)
    found = await docstore.list_folder(parent_id=folder.id, **options) if is_filtered else every
    matching = {file.id for file in found}
    listed: list[Listed] = []
    for file in every:
        listed += [Listed(file, below)] if file.id in matching else []
        if file.is_folder:
            listed += await _list_below(docstore, file, f"{below}{file.name}/", options)
    return listed


def _long(one: Listed) -> str:
    file = one.file
    version = "" if file.is_folder else f"v{file.version}"
    size = "" if file.is_folder else size_text(file.size)
    return f"{file.permission:6} {version:>5} {size:>10} {time_text(file.modified_at)} {one.name}"


def mkdir(paths: Paths, as_json: AsJson = False) -> None:
    """Create folders, with missing parent folders."""
    _change_each(paths, _make_folder, as_json=as_json)


async def _make_folder(docstore: AsyncClient, place: RemotePath) -> File:
    place = await located(docstore, place)
    return await docstore.make_folder(place.path, parent_id=place.base)


def rm(paths: Paths, as_json: AsJson = False) -> None:
    """Move files and folders to the trash."""
    _change_each(paths, _remove, as_json=as_json)


async def _remove(docstore: AsyncClient, place: RemotePath) -> File:
    file = await need(docstore, place)
    await docstore.delete(file.id)
    return file


def _change_each(
    paths: list[str], change: Callable[[AsyncClient, RemotePath], Awaitable[File]], *, as_json: bool
) -> None:
    """Change what is at each path; report failures at the end."""

    async def work(docstore: AsyncClient, failures: Failures) -> list[File]:
        places = [RemotePath.parse(path) for path in paths]
        return await each(places, failures, lambda place: change(docstore, place))

    _run(work, as_json=as_json)


def _run(work: Callable[[AsyncClient, Failures], Awaitable[list[File]]], *, as_json: bool) -> None:
    failures = Failures()
    changed = as_person(lambda docstore: work(docstore, failures))
    if as_json:
        print_json(changed)
    failures.end()


def mv(paths: Sources, as_json: AsJson = False) -> None:
    """Move or rename files and folders."""

    async def move(docstore: AsyncClient, file: File, target: RemotePath) -> File:
        folder = await need(docstore, target.parent)
        name = None if target.name == file.name else target.name
        parent_id = None if folder.id == file.parent_id else folder.id
        return await docstore.change(file.id, name=name, parent_id=parent_id, etag=file.etag)

    _transfer(paths, move, as_json=as_json)


def cp(paths: Sources, as_json: AsJson = False) -> None:
    """Copy files and folders on the server."""

    async def copy(docstore: AsyncClient, file: File, target: RemotePath) -> File:
        return await docstore.copy(file.id, target.path, parent_id=target.base)

    _transfer(paths, copy, as_json=as_json)


Transfer = Callable[[AsyncClient, File, RemotePath], Awaitable[File]]


def _transfer(paths: list[str], transfer: Transfer, *, as_json: bool) -> None:
    if len(paths) < 2:
        raise typer.BadParameter("give one or more sources and a destination", param_hint="SOURCES... DEST")

    async def work(docstore: AsyncClient, failures: Failures) -> list[File]:
        *sources, destination = [RemotePath.parse(path) for path in paths]
        files = await each(sources, failures, lambda source: _named(docstore, source))
        destination = await located(docstore, destination)
        there = await find(docstore, destination)
        names = [name for name, _ in files]
        places = placed(there.kind if there else None, is_folder=destination.is_folder, names=names) if files else []
        if there is None and destination.is_folder and files:
            await _make_folder(docstore, destination)
        targets = {destination.child(place): file for (_, file), place in zip(files, places, strict=True)}
        return await each(targets, failures, lambda target: transfer(docstore, targets[target], target))

    _run(work, as_json=as_json)


async def _named(docstore: AsyncClient, source: RemotePath) -> tuple[str, File]:
    file = await need(docstore, source)
    name = name_of(source, file)
    if not name:
        raise BadUsage(f"{source}: give its contents one by one")
    return name, file
