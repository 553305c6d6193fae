"""`docstore shares`: pending shares and blocked people."""

from enum import StrEnum
from typing import Annotated

import typer

from docstore_cli.options import AsJson, print_json, shown, time_text
from docstore_cli.sessions.session import as_person, every
from docstore_client import AsyncClient
from docstore_client.models import BlockedPerson, File, ShareInvitation

app = typer.Typer(help="Pending shares: accept or decline them, block people.", no_args_is_help=True)

ShareId = Annotated[str, typer.Argument(metavar="SHARE_ID", help="As `docstore shares list` shows it.")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="An email address or account id.")]


class Acceptance(StrEnum):
    automatic = "automatic"
    ask = "ask"


Choice = Annotated[
    Acceptance | None, typer.Argument(metavar="[automatic|ask]", help="New setting; without it, show the current one.")
]


@app.command("list")
def list_invitations(as_json: AsJson = False) -> None:
    """List pending shares."""

    async def work(docstore: AsyncClient) -> list[ShareInvitation]:
        return await every(docstore.share_invitations)

    found = as_person(work)
    if as_json:
        print_json(found)
        return
    for one in found:
        doubt = "" if one.owner_email_verified else ", not verified"
        who = shown(one.owner_name or "somebody") + (f" <{shown(one.owner_email)}>{doubt}" if one.owner_email else "")
        slash = "/" * (one.kind == "folder")
        typer.echo(f"{one.id} {time_text(one.shared_at)} {one.role:6} {who}: {shown(one.name)}{slash}")


@app.command()
def accept(share_id: ShareId, as_json: AsJson = False) -> None:
    """Accept a share: it appears in what is shared with you."""

    async def work(docstore: AsyncClient) -> File:
        return await docstore.accept_share(share_id)

    file = as_person(work)
    if as_json:
        print_json(file)
    else:
        typer.echo(f"id:{file.id} {shown(file.name)}{'/' * file.is_folder}")


@app.command()
def decline(share_id: ShareId, as_json: AsJson = False) -> None:
    """Decline a share. Later shares by the same person are pending, too."""

    async def work(docstore: AsyncClient) -> None:
        await docstore.decline_share(share_id)

    as_person(work)
    if as_json:
        print_json({"id": share_id})


@app.command()
def block(person: PersonId, as_json: AsJson = False) -> None:
    """Block a person: their shares are removed, and later ones are hidden.

    They are not notified.
    """

    async def work(docstore: AsyncClient) -> BlockedPerson:
        return await docstore.block(person)

    blocked_person = as_person(work)
    if as_json:
        print_json(blocked_person)
    else:
        typer.echo(f"{shown(blocked_person.name or blocked_person.id)} is blocked")


@app.command()
def unblock(person: PersonId, as_json: AsJson = False) -> None:
    """Unblock a person. Their later shares are pending."""

    async def work(docstore: AsyncClient) -> None:
        await docstore.unblock(person)

    as_person(work)
    if as_json:
        print_json({"id": person})


@app.command()
def blocked(as_json: AsJson = False) -> None:
    """List the people you have blocked."""

    async def work(docstore: AsyncClient) -> list[BlockedPerson]:
        return await every(docstore.blocked_people)

    found = as_person(work)
    if as_json:
        print_json(found)
        return
    for one in found:
        name = f" {shown(one.name)}" if one.name else ""
        typer.echo(f"{shown(one.id)} {time_text(one.blocked_at)}{name}")


@app.command()
def acceptance(choice: Choice = None, as_json: AsJson = False) -> None:
    """Show or choose whether shares by new people are pending until you accept them."""

    async def work(docstore: AsyncClient) -> str:
        if choice is None:
            return str((await docstore.call("GET", "/v1/me/sharing"))["share_acceptance"])
        body = {"share_acceptance": choice.value}
        return str((await docstore.call("PUT", "/v1/me/sharing", body))["share_acceptance"])

    chosen = as_person(work)
    if as_json:
        print_json({"share_acceptance": chosen})
    else:
        typer.echo(chosen)
