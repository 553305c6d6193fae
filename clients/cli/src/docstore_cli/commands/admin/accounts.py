"""Commands on accounts: list, change, invite, reset a password."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from docstore_cli.commands.admin.app import Limit, app, print_table
from docstore_cli.options import AsJson, Data, console, failed, print_json
from docstore_cli.sessions import admin_session
from docstore_client import ApiError, AsyncClient


@app.command()
def password(data: Data = None, as_json: AsJson = False) -> None:
    """Show the administrator's email address and initial password of the local stack.

    The password is valid until the administrator changes it.
    """
    from docstore_cli.stack.options import running_stack
    from docstore_standalone.credentials import load_credentials

    settings, state = running_stack(data)
    email, made = state.addresses["admin"], load_credentials(settings.data).admin_password
    if as_json:
        print_json({"email": email, "password": made})
        return
    console.print(f"e-mail:   {email}\npassword: {made}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def accounts(data: Data = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List accounts with role, plan and status."""
    found = admin_session.as_admin(
        data, lambda docstore: docstore.call("GET", "/v1/admin/accounts", params={"limit": limit})
    )
    if as_json:
        print_json(found)
        return
    columns = ("id", "email", "plan", "role", "status", "created_at")
    print_table([{name: account.get(name) for name in columns} for account in found["items"]])


Who = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An email address or account id.")]


async def account_id_of(docstore: AsyncClient, who: str) -> str:
    """Id of the account with an email address. ApiError 404 if there is none."""
    if "@" not in who:
        return who
    found = await docstore.call("GET", "/v1/admin/accounts", params={"q": who, "limit": 500})
    for account in found["items"]:
        if account["email"].casefold() == who.casefold():
            return str(account["id"])
    raise ApiError(404, "not_found", f"no account has the email address {who}")


@app.command("set")
def set_account(
    who: Who,
    plan: Annotated[str | None, typer.Option("--plan", help="free or premium.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="user or admin.")] = None,
    status: Annotated[str | None, typer.Option("--status", help="active or suspended.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Change an account's plan, role or status."""
    changes = {name: value for name, value in {"plan": plan, "role": role, "status": status}.items() if value}
    if not changes:
        raise failed("nothing to change: name a --plan, --role or --status", 2)

    async def change(docstore: AsyncClient) -> Any:
        return await docstore.call("PATCH", f"/v1/admin/accounts/{await account_id_of(docstore, who)}", changes)

    account = admin_session.as_admin(data, change)
    if as_json:
        print_json(account)
    else:
        console.print(f"{escape(account['email'])}: {account['plan']}, {account['role']}, {account['status']}.")


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Email address to invite.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Email someone a sign-up link, and print it."""
    made = admin_session.as_admin(
        data, lambda docstore: docstore.call("POST", "/v1/admin/invitations", {"email": email})
    )
    if as_json:
        print_json(made)
        return
    console.print(f"Invitation sent to {escape(made['email'])}. The link expires at {made['expires_at']}:")
    console.print(made["url"], soft_wrap=True, highlight=False, markup=False)


@app.command("reset-password")
def reset_password(who: Who, data: Data = None, as_json: AsJson = False) -> None:
    """Create a password reset link. It works once, for an hour, and is not emailed."""

    async def make(docstore: AsyncClient) -> Any:
        return await docstore.call("POST", f"/v1/admin/accounts/{await account_id_of(docstore, who)}/password-resets")

    made = admin_session.as_admin(data, make)
    if as_json:
        print_json(made)
    else:
        typer.echo(made["url"])
