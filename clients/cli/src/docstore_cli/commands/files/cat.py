"""`docstore cat`."""

import asyncio
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.failures import BadUsage, Failures, each
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient

PIECE = 1 << 20

Paths = Annotated[list[str], typer.Argument(metavar="PATHS...", help=PATH_HELP)]
Number = Annotated[int | None, typer.Option("--version", min=1, help="Version; by default the current one.")]


def cat(paths: Paths, version: Number = None) -> None:
    """Write the contents of files to stdout.

    Each file is verified before its first byte is written; a large one needs as much room for temporary files.
    """
    failures = Failures()

    async def work(docstore: AsyncClient) -> None:
        places = [RemotePath.parse(path) for path in paths]
        await each(places, failures, lambda place: _write(docstore, place, version))

    as_person(work)
    failures.end()


async def _write(docstore: AsyncClient, place: RemotePath, version: int | None) -> None:
    file = await need(docstore, place)
    if file.is_folder:
        raise BadUsage(f"{place} is a folder")
    with TemporaryDirectory(prefix="docstore-") as folder:
        local = Path(folder, "contents")
        await docstore.download(file, local, version=version)
        await asyncio.to_thread(_copy_to_stdout, local)


def _copy_to_stdout(local: Path) -> None:
    with local.open("rb") as contents:
        shutil.copyfileobj(contents, sys.stdout.buffer, PIECE)
    sys.stdout.buffer.flush()
