"""`docstore languages`."""

from typing import Annotated

import typer

from docstore_cli.failures import BadUsage
from docstore_cli.options import AsJson, print_json
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient
from docstore_client.models import Languages

Chosen = Annotated[
    list[str] | None, typer.Argument(metavar="[LANGUAGE]...", help="Such as deu or kor, the main one first.")
]
Default = Annotated[bool, typer.Option("--default", help="Reset to the server's default.")]


def languages(chosen: Chosen = None, default: Default = False, as_json: AsJson = False) -> None:
    """Show or choose the languages of text in pictures and scans.

    Text is recognized on the premium plan. What was read in other languages is read again in the background.
    """

    async def work(docstore: AsyncClient) -> Languages:
        if chosen and default:
            raise BadUsage("--default can't be combined with languages")
        return await (docstore.set_languages(chosen or []) if chosen or default else docstore.languages())

    now = as_person(work)
    if as_json:
        print_json(now)
        return
    typer.echo(f"Languages: {', '.join(now.languages)}{' (default)' if now.is_default else ''}")
    typer.echo(f"Available: {', '.join(now.available)}")
