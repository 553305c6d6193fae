"""`docstore token`: API tokens for programs."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from docstore_cli.moments import moment
from docstore_cli.options import AsJson, print_json, shown, time_text
from docstore_cli.sessions.session import as_person, every
from docstore_client import AsyncClient
from docstore_client.models import ApiToken, CreatedApiToken

app = typer.Typer(help="API tokens: create, list and revoke credentials for programs.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")]
Scopes = Annotated[
    list[str],
    typer.Option(
        "--scope",
        help="What it may do, repeatable: files:read, files:write, shares, notifications, admin:read.",
    ),
]
Folder = Annotated[str | None, typer.Option("--path", metavar="FOLDER", help="Limit it to this folder.")]
Expires = Annotated[str | None, typer.Option("--expires", help="A time like 2026-05-01T12:00:00Z, or a span like 90d.")]
TokenId = Annotated[str, typer.Argument(metavar="TOKEN_ID", help="As `docstore token list` shows it.")]


@app.command()
def create(name: Name, scope: Scopes, path: Folder = None, expires: Expires = None, as_json: AsJson = False) -> None:
    """Create a token and print it; it is not shown again."""
    expires_at = moment(expires, datetime.now(UTC), "--expires") if expires else None

    async def work(docstore: AsyncClient) -> CreatedApiToken:
        return await docstore.create_api_token(name, scope, path=path, expires_at=expires_at)

    made = as_person(work)
    if as_json:
        print_json(made)
    else:
        typer.echo(made.token)


@app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List tokens, newest first."""

    async def work(docstore: AsyncClient) -> list[ApiToken]:
        return await every(docstore.api_tokens)

    found = as_person(work)
    if as_json:
        print_json(found)
        return
    for one in found:
        used = f"used {time_text(one.last_used_at)}" if one.last_used_at else "never used"
        ends = f", expires {time_text(one.expires_at)}" if one.expires_at else ""
        folder = f" in {shown(one.path or 'a deleted folder')}" if one.folder_id else ""
        typer.echo(f"{one.id} {used}{ends} {shown(one.name)}: {' '.join(one.scopes)}{folder}")


@app.command()
def revoke(token_id: TokenId, as_json: AsJson = False) -> None:
    """Revoke a token: it stops working at once."""
    as_person(lambda docstore: docstore.revoke_api_token(token_id))
    if as_json:
        print_json({"id": token_id})
    else:
        typer.echo("Revoked.")
