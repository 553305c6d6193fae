"""Commands on the audit log: list and verify."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from docstore_cli.commands.admin.app import From, Limit, To, app, print_table
from docstore_cli.options import AsJson, Data, console, failed, print_json
from docstore_cli.sessions import admin_session
from docstore_client import AsyncClient

Known = Annotated[
    list[str] | None,
    typer.Option("--known", help="An entry noted earlier, as NUMBER:SIGNATURE. The log must still contain it."),
]


@app.command()
def audit(
    account: Annotated[str, typer.Option("--account", help="Account id of the actor.")] = "",
    object_: Annotated[str, typer.Option("--object", help="Id of the file or account.")] = "",
    action: Annotated[str, typer.Option("--action", help="Such as file-moved or 'GET /v1/files'.")] = "",
    begin: From = None,
    to: To = None,
    limit: Limit = 50,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List audit log entries, newest first."""
    params = {"account_id": account, "object_id": object_, "action": action, "from": begin, "to": to, "limit": limit}
    found = admin_session.as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/audit", params=params))
    if as_json:
        print_json(found)
        return
    columns = ("number", "at", "action", "status", "account_id", "client", "detail")
    print_table([{name: entry[name] for name in columns} for entry in found["items"]])


@app.command("verify-audit")
def verify_audit(known: Known = None, data: Data = None, as_json: AsJson = False) -> None:
    """Verify that the audit log is complete and unchanged."""
    noted = [_noted(text) for text in known or ()]
    found = admin_session.as_admin(data, lambda docstore: _verify(docstore, noted))
    broken = found["broken"]
    if as_json:
        print_json(found)
    elif not broken and not found["not_compared"]:
        head = found["head"]
        console.print(f"{found['checked']} entries are intact. Note this down: {_note(head)}", soft_wrap=True)
    if broken:
        raise failed(f"entry {broken['number']} is the first invalid one: {broken['reason']} ({broken['detail']})")
    if found["not_compared"]:
        raise failed(
            f"not verified: the {found['checked']} entries are consistent, but some may be missing: "
            f"{found['not_compared']}"
        )


def _note(head: Mapping[str, Any]) -> str:
    return f"{head['number']}:{head['signature']}"


def _noted(text: str) -> tuple[int, str]:
    number, _, signature = text.partition(":")
    if not number.isdecimal() or len(signature) != 64:
        raise typer.BadParameter(f"{text!r} is not NUMBER:SIGNATURE.", param_hint="--known")
    return int(number), signature


async def _verify(docstore: AsyncClient, noted: list[tuple[int, str]]) -> Any:
    """Verify page by page. Return the last page, with the total of checked entries."""
    after, checked = 0, 0
    not_compared: str | None = None
    while True:
        page = await docstore.call("GET", "/v1/admin/audit/verify", params={"after": after})
        checked += page["checked"]
        not_compared = not_compared or page.get("not_compared")
        if page["broken"] or page["next_after"] is None:
            break
        after = page["next_after"]
    for number, signature in noted:
        params = {"after": max(number - 1, 0), "limit": 1}
        last = (await docstore.call("GET", "/v1/admin/audit/verify", params=params))["last"]
        if not page["broken"] and (last["number"], last["signature"]) != (number, signature):
            detail = "the entry differs from the noted one, or is missing"
            page["broken"] = {"number": number, "reason": "not_as_known", "detail": detail}
    return {**page, "checked": checked, "not_compared": not_compared}
