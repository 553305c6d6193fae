"""`docstore meta`."""

from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.filters import pairs as parsed
from docstore_cli.options import AsJson, print_json, shown
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient
from docstore_client.models import File

Path = Annotated[str, typer.Argument(metavar="FILE", help=PATH_HELP)]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE]...", help="Pairs to set: names of a-z, 0-9 and -, values on one line."),
]
Removed = Annotated[list[str] | None, typer.Option("--remove", metavar="NAME", help="Name to remove; repeatable.")]


def meta(path: Path, pairs: Pairs = None, remove: Removed = None, as_json: AsJson = False) -> None:
    """Show or change the custom metadata of a file or folder.

    Other pairs stay as they are.
    """
    wanted = parsed(pairs)
    removed = frozenset(remove or [])

    async def work(docstore: AsyncClient) -> File:
        file = await need(docstore, RemotePath.parse(path))
        if not wanted and not removed:
            return file
        kept = {name: value for name, value in file.metadata.items() if name not in removed}
        return await docstore.change(file.id, metadata=kept | wanted, etag=file.etag)

    file = as_person(work)
    if as_json:
        print_json(file)
        return
    for name, value in sorted(file.metadata.items()):
        typer.echo(shown(f"{name}={value}"))
