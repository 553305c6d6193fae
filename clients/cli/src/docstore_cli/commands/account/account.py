"""`docstore login`, `logout`, `recover` and `usage`: log-in and account of a person."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape

from docstore_cli.options import AsJson, console, print_json, size_text
from docstore_cli.sessions.nearest import nearest as nearest_region
from docstore_cli.sessions.session import DEFAULT_SERVER, as_person, device_token_file, run, session_file
from docstore_cli.sessions.this_machine import device_name
from docstore_client import AsyncClient, Credentials, DocStoreError
from docstore_client.models import FamilySums

Server = Annotated[str, typer.Option("--server", help="Address of any region's gateway.")]
Email = Annotated[str, typer.Option("--email", prompt=True)]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the standard input.")]
Device = Annotated[str | None, typer.Option("--device", help="Device name of this machine; by default its host name.")]

ByFamily = Annotated[bool, typer.Option("--by-family", help="Show what takes the space: documents, images, videos.")]


Nearest = Annotated[bool, typer.Option("--nearest", help="Measure the server's regions, and log in at the nearest.")]


def login(
    email: Email,
    server: Server = DEFAULT_SERVER,
    nearest: Nearest = False,
    password_stdin: PasswordStdin = False,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Log in on this machine."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else typer.prompt("Password", hide_input=True)
    if nearest:
        server = run(nearest_region(server))
    session = run(_log_in(server, email, password, device or device_name()))
    if as_json:
        print_json({"email": session.email, "server": session.gateway})
        return
    moved = "" if session.gateway == server.rstrip("/") else ", the account's home"
    console.print(f"Logged in as {escape(session.email)} at [bold]{escape(session.gateway)}[/]{moved}")


async def _log_in(server: str, email: str, password: str, device: str) -> Credentials:
    async with AsyncClient(server, store=session_file()) as docstore:
        kept = device_token_file()
        known = kept.read_text("utf-8").strip() if kept.exists() else ""
        await docstore.log_in(email, password, device, known)
        kept.write_text(docstore.device_token, "utf-8")
        kept.chmod(0o600)
        assert docstore.credentials is not None
        return docstore.credentials


def recover(email: Email, server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Email a password reset link."""

    async def ask() -> None:
        async with AsyncClient(server) as docstore:
            await docstore.call("POST", "/v1/password-resets", {"email": email})

    run(ask())
    if as_json:
        print_json({"email": email})
    else:
        console.print(f"If {escape(email)} has an account, we sent it a reset link.", highlight=False)


def logout(as_json: AsJson = False) -> None:
    """Log out on this machine."""
    run(_log_out())
    if as_json:
        print_json({"email": None})
    else:
        console.print("Logged out.")


async def _log_out() -> None:
    """Delete the credentials even if the server is unreachable or has ended the session already."""
    store = session_file()
    credentials = store.load()
    if credentials is None:
        return
    try:
        async with AsyncClient(credentials.gateway, credentials, store=store) as docstore:
            await docstore.log_out()
    except DocStoreError:
        pass
    async with store.renewing():
        store.forget()


def usage(by_family: ByFamily = False, as_json: AsJson = False) -> None:
    """Show account and storage usage."""
    if by_family:
        _show_families(as_person(lambda docstore: docstore.stored_by_family()), as_json)
        return
    me = as_person(lambda docstore: docstore.me())
    if as_json:
        print_json(me)
        return
    assert me.usage is not None
    who = f"{escape(me.email)} ({me.plan}, {me.home_region})"
    console.print(f"{who}: {size_text(me.usage.used)} of {size_text(me.usage.limit)} used", highlight=False)
    if not me.email_verified:
        console.print("The email address is not verified: open the link we emailed, or run `docstore verify`.")


def _show_families(families: Sequence[FamilySums], as_json: bool) -> None:
    if as_json:
        print_json({"items": [sums.model_dump() for sums in families]})
        return
    for sums in families:
        console.print(f"{size_text(sums.bytes):>10} {sums.files:>9,} {sums.family}", highlight=False)


def verify(
    code: Annotated[str | None, typer.Argument(help="The code from the email; without it, a new one is sent.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the account's email address."""
    path = "/v1/me/email-verification"
    method, body = ("POST", None) if code is None else ("PUT", {"code": code})
    state = as_person(lambda docstore: docstore.call(method, path, body))
    if as_json:
        print_json(state)
    elif state["email_verified"]:
        console.print(f"{escape(state['email'])} is verified.", highlight=False)
    else:
        console.print(
            f"We sent a code to {escape(state['email'])}. Enter it with `docstore verify CODE`.", highlight=False
        )
