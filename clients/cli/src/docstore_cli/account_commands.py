"""`docstore login`, `logout` and `usage`: acting as a person, at the account's home region."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.markup import escape

from docstore_cli.api import ApiClient, ApiError
from docstore_cli.options import AsJson, console, failed, print_json, run
from docstore_cli.session_file import SavedSession, forget_session, load_session, save_session

T = TypeVar("T")
MIB = 1024 * 1024

Server = Annotated[str, typer.Option("--server", help="Address of any region's gateway.")]
Email = Annotated[str, typer.Option("--email", prompt=True)]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the standard input.")]


def login(email: Email, server: Server = "http://127.0.0.1:8080", password_stdin: PasswordStdin = False) -> None:
    """Log in, wherever the account's home is, and stay logged in on this machine."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else typer.prompt("Password", hide_input=True)
    session = run(_log_in(server, email, password))
    save_session(session)
    moved = "" if session.server == server.rstrip("/") else ", the account's home"
    console.print(f"Logged in as {escape(email)} at [bold]{escape(session.server)}[/]{moved}")


async def _log_in(server: str, email: str, password: str) -> SavedSession:
    async with ApiClient(server) as api:
        await api.log_in(email, password)
        return _saved(api, email)


def logout() -> None:
    """End the session of this machine."""
    if load_session() is not None:
        run(as_person(lambda api: api.call("DELETE", "/v1/sessions/current")))
    forget_session()
    console.print("Logged out.")


def usage(as_json: AsJson = False) -> None:
    """Whose account this is, and how much of its room is used."""
    me = run(as_person(lambda api: api.call("GET", "/v1/me")))
    if as_json:
        print_json(me)
        return
    used, limit = me["usage"]["used"] / MIB, me["usage"]["limit"] / MIB
    who = f"{escape(me['email'])} ({me['plan']}, {me['home_region']})"
    console.print(f"{who}: {used:,.1f} of {limit:,.0f} MiB used", highlight=False)


async def as_person(work: Callable[[ApiClient], Awaitable[T]]) -> T:
    """Work with the saved session; once more with new tokens if the access token has expired."""
    session = load_session()
    if session is None:
        raise failed("not logged in: use `docstore login`")
    async with ApiClient(session.server) as api:
        api.access_token, api.refresh_token = session.access_token, session.refresh_token
        try:
            return await work(api)
        except ApiError as error:
            if error.status != 401:
                raise
        await api.refresh()
        save_session(_saved(api, session.email))
        return await work(api)


def _saved(api: ApiClient, email: str) -> SavedSession:
    return SavedSession(api.gateway, email, api.access_token, api.refresh_token)
