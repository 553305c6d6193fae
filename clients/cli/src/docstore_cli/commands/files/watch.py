"""`docstore watch`."""

import contextlib
from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.options import AsJson, errors, print_json_line, shown
from docstore_cli.outage import Outage
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person
from docstore_client import ApiError, AsyncClient, Unreachable
from docstore_client.models import Change

WAIT_SECONDS = 50
LATEST = "latest"

Path = Annotated[
    str | None, typer.Argument(metavar="[PATH]", help=f"Only this file or folder and its contents. {PATH_HELP}")
]
FromStart = Annotated[bool, typer.Option("--from-start", help="Also show earlier changes.")]


def watch(path: Path = None, from_start: FromStart = False, as_json: AsJson = False) -> None:
    """Show changes as they happen, until Ctrl-C.

    One per line; continues after an outage.
    """
    cursor = None if from_start else LATEST
    with contextlib.suppress(KeyboardInterrupt):
        as_person(lambda docstore: _watch(docstore, path, cursor, as_json=as_json))


async def _watch(docstore: AsyncClient, path: str | None, cursor: str | None, *, as_json: bool) -> None:
    at = (await need(docstore, RemotePath.parse(path))).path if path else "/"
    prefix = at.rstrip("/") + "/"
    outage = Outage()
    while True:
        try:
            page = await docstore.changes(cursor, wait=WAIT_SECONDS)
        except (Unreachable, ApiError) as error:
            if isinstance(error, ApiError) and error.code == "cursor_expired":
                errors.print("some changes are no longer available")
                cursor = LATEST
            else:
                await outage.wait(error)
            continue
        outage.over()
        cursor = page.cursor
        for change in page.changes:
            if change.file.path == at or change.file.path.startswith(prefix):
                _show(change, as_json=as_json)


def _show(change: Change, *, as_json: bool) -> None:
    if as_json:
        print_json_line(change)
        return
    version = "" if change.file.is_folder else f" v{change.file.version}"
    typer.echo(f"{change.type:8} {shown(change.file.path)}{'/' * change.file.is_folder}{version}")
