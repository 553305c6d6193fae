"""`docstore retrieve`."""

from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.failures import Failures, each
from docstore_cli.options import AsJson, print_json, shown, time_text
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient
from docstore_client.models import Retrieval

Paths = Annotated[list[str], typer.Argument(metavar="FILE...", help=PATH_HELP)]
Number = Annotated[int | None, typer.Option("--version", min=1, help="Version; by default the current one.")]


def retrieve(paths: Paths, version: Number = None, as_json: AsJson = False) -> None:
    """Request files that are in cold storage; you are notified when they can be read."""
    failures = Failures()

    async def work(docstore: AsyncClient) -> list[tuple[RemotePath, Retrieval]]:
        async def one(place: RemotePath) -> tuple[RemotePath, Retrieval]:
            file = await need(docstore, place)
            return place, await docstore.retrieve(file.id, version)

        return await each([RemotePath.parse(path) for path in paths], failures, one)

    found = as_person(work)
    if as_json:
        print_json([{"path": str(place), **retrieval.model_dump(mode="json")} for place, retrieval in found])
    else:
        for place, retrieval in found:
            typer.echo(shown(f"{place}: {_said(retrieval)}"))
    failures.end()


def _said(retrieval: Retrieval) -> str:
    if retrieval.state == "available":
        return "can be read"
    return f"requested, expected by {time_text(retrieval.expected_at)}" if retrieval.expected_at else "requested"
