"""`docstore admin`: reports, accounts, audit log, service health, and SQL queries of the event archive."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from docstore_cli.admin_session import as_admin, stream_events
from docstore_cli.archive_query import QueryLimits, fetch_archive, run_query
from docstore_cli.failures import BadUsage, ended_by
from docstore_cli.options import AsJson, console, failed, print_json, print_json_line, shown, size_text
from docstore_cli.stack_options import Data, running_stack
from docstore_client import ApiError, AsyncClient
from docstore_standalone.credentials import load_credentials

app = typer.Typer(help="Administration: reports, accounts, audit log, health, event archive.", no_args_is_help=True)

From = Annotated[
    str | None, typer.Option("--from", help="Start time, like 2026-05-01T00:00:00Z; by default 30 days before --to.")
]
To = Annotated[str | None, typer.Option("--to", help="End time, exclusive; by default now.")]
Step = Annotated[str, typer.Option("--step", help="hour or day.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500)]
Name = Annotated[str, typer.Argument(help="Such as uploads, storage, most-shared, usage or access.")]
Sql = Annotated[str, typer.Argument(help="A query of the tables `events` and `calls`.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Time limit of the query in seconds.")]
Memory = Annotated[int, typer.Option("--memory", min=64, help="Memory limit of the query in MiB.")]
MaxScan = Annotated[int, typer.Option("--max-scan", min=1, help="Limit in MiB of the archive files that are read.")]
Known = Annotated[
    list[str] | None,
    typer.Option("--known", help="An entry noted earlier, as NUMBER:SIGNATURE. The log must still contain it."),
]
TraceId = Annotated[str, typer.Option("--trace-id", help="Only this trace, in all services.")]
ServiceOption = Annotated[str, typer.Option("--service", help="Only this service.")]
LogLevel = Annotated[str, typer.Option("--level", help="debug, info, warning, error or critical: and worse.")]
Contains = Annotated[str, typer.Option("--contains", help="Only lines with this text.")]
Now = Annotated[bool, typer.Option("--now", help="Have a backup taken as soon as possible.")]
Topics = Annotated[list[str] | None, typer.Argument(help="Topics to watch; by default all.")]


@app.command()
def password(data: Data = None, as_json: AsJson = False) -> None:
    """Show the administrator's email address and initial password of the local stack.

    The password is valid until the administrator changes it.
    """
    settings, state = running_stack(data)
    email, made = state.addresses["admin"], load_credentials(settings.data).admin_password
    if as_json:
        print_json({"email": email, "password": made})
        return
    console.print(f"e-mail:   {email}\npassword: {made}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def overview(data: Data = None, as_json: AsJson = False) -> None:
    """Show accounts, documents and bytes by plan."""
    totals = as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/overview"))
    if as_json:
        print_json(totals)
        return
    rows = [{"plan": plan, **totals["by_plan"][plan]} for plan in sorted(totals["by_plan"])]
    everything = {name: totals[name] for name in ("accounts", "documents", "bytes")}
    _print_table([*rows, {"plan": "all", **everything}])
    console.print(f"Average document size: {size_text(totals['average_document_bytes'])}")


@app.command()
def accounts(data: Data = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List accounts with role, plan and status."""
    found = as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/accounts", params={"limit": limit}))
    if as_json:
        print_json(found)
        return
    columns = ("id", "email", "plan", "role", "status", "created_at")
    _print_table([{name: account.get(name) for name in columns} for account in found["items"]])


Who = Annotated[str, typer.Argument(metavar="ACCOUNT", help="An email address or account id.")]


async def _account_id(docstore: AsyncClient, who: str) -> str:
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
        return await docstore.call("PATCH", f"/v1/admin/accounts/{await _account_id(docstore, who)}", changes)

    account = as_admin(data, change)
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
    made = as_admin(data, lambda docstore: docstore.call("POST", "/v1/admin/invitations", {"email": email}))
    if as_json:
        print_json(made)
        return
    console.print(f"Invitation sent to {escape(made['email'])}. The link expires at {made['expires_at']}:")
    console.print(made["url"], soft_wrap=True, highlight=False, markup=False)


@app.command("reset-password")
def reset_password(who: Who, data: Data = None, as_json: AsJson = False) -> None:
    """Create a password reset link. It works once, for an hour, and is not emailed."""

    async def make(docstore: AsyncClient) -> Any:
        return await docstore.call("POST", f"/v1/admin/accounts/{await _account_id(docstore, who)}/password-resets")

    made = as_admin(data, make)
    if as_json:
        print_json(made)
    else:
        typer.echo(made["url"])


@app.command()
def report(
    name: Name,
    begin: From = None,
    to: To = None,
    step: Step = "day",
    limit: Limit = 20,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show a report."""
    params = {"from": begin, "to": to, "step": step, "limit": limit}
    found = as_admin(data, lambda docstore: docstore.call("GET", f"/v1/admin/reports/{name}", params=params))
    if as_json:
        print_json(found)
    elif "items" in found:
        _print_table(found["items"])
    else:
        lines = {line["name"]: line["values"] for line in found["series"]}
        _print_table(
            [
                {step: time, **{by: values[number] for by, values in lines.items()}}
                for number, time in enumerate(found["times"])
                if any(values[number] for values in lines.values())
            ]
        )


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
    found = as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/audit", params=params))
    if as_json:
        print_json(found)
        return
    columns = ("number", "at", "action", "status", "account_id", "client", "detail")
    _print_table([{name: entry[name] for name in columns} for entry in found["items"]])


@app.command("verify-audit")
def verify_audit(known: Known = None, data: Data = None, as_json: AsJson = False) -> None:
    """Verify that the audit log is complete and unchanged."""
    noted = [_noted(text) for text in known or ()]
    found = as_admin(data, lambda docstore: _verify(docstore, noted))
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


@app.command()
def health(data: Data = None, as_json: AsJson = False) -> None:
    """Show the state and backlog of every service."""
    found = as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/health"))
    if as_json:
        print_json(found)
    else:
        _print_table([_health_row(service) for service in found["services"]])
    if found["status"] != "ok":
        raise typer.Exit(1)


@app.command()
def logs(
    trace_id: TraceId = "",
    service: ServiceOption = "",
    level: LogLevel = "debug",
    contains: Contains = "",
    limit: Limit = 100,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Search the logs of all services, oldest first."""
    params = {"trace_id": trace_id, "service": service, "level": level, "contains": contains, "limit": limit}
    found = as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/logs", params=params))
    if as_json:
        print_json(found)
        return
    for line in reversed(found["items"]):
        fields = " ".join(f"{name}={value}" for name, value in line["fields"].items())
        about = f"[dim]{line['at']}[/] {line['level']:8} {line['service']:10} [bold]{escape(line['event'])}[/]"
        trace = f" [dim]trace={line['trace_id']}[/]" if line["trace_id"] else ""
        console.print(f"{about} {escape(shown(fields))}{trace}", highlight=False, soft_wrap=True)


@app.command()
def backups(now: Now = False, data: Data = None, as_json: AsJson = False) -> None:
    """Show the state of scheduled backups; with --now, have one taken as soon as possible."""
    found = as_admin(data, lambda docstore: docstore.call("POST" if now else "GET", "/v1/admin/backups"))
    if as_json:
        print_json(found)
    elif not found["scheduled"]:
        console.print("No backups are scheduled: set DOCSTORE_BACKUP_TARGET and restart the stack.")
    else:
        names = ("target", "running", "succeeded_at", "name", "next_at", "failures", "failed_at", "error")
        for name in names:
            console.print(f"{name + ':':<14}{escape(str(found[name]))}", highlight=False, soft_wrap=True)
    if found["failures"]:
        raise typer.Exit(1)


def _health_row(service: Mapping[str, Any]) -> dict[str, Any]:
    outbox = service.get("outbox", {})
    return {
        "service": service["name"],
        "status": service["status"],
        "lag": sum(service.get("lag", {}).values()),
        "outbox": outbox.get("pending", "?"),
        "dead letters": service.get("dead_letters", "?"),
        "why": "; ".join(f"{part}: {reason}" for part, reason in service["failed"].items()),
    }


@app.command()
def events(topics: Topics = None, data: Data = None, as_json: AsJson = False) -> None:
    """Show events as they are published, until Ctrl-C."""
    as_admin(data, lambda docstore: _watch(docstore, topics or [], as_json=as_json))


async def _watch(docstore: AsyncClient, topics: list[str], *, as_json: bool) -> None:
    async for kind, event in stream_events(docstore, topics):
        if as_json:
            print_json_line({"event": kind, **event})
        elif kind == "event":
            about = f"[dim]{event['time'][11:23]}[/] {event['source']:9} [bold]{event['type']:20}[/]"
            console.print(f"{about} {escape(shown(event['subject']))}", highlight=False, soft_wrap=True)
        else:
            console.print(f"[dim]{kind} {escape(str(event))}[/]", highlight=False)


@app.command()
def query(
    sql: Sql,
    begin: From = None,
    to: To = None,
    timeout: Timeout = 60.0,
    memory: Memory = 1024,
    max_scan: MaxScan = 10_240,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Query the event archive with SQL on this machine. Archive files are downloaded once and cached."""
    try:
        files = as_admin(data, lambda docstore: fetch_archive(docstore, begin, to, max_scan))
        rows = run_query(sql, files, QueryLimits(timeout, memory, max_scan))
    except BadUsage as error:
        raise ended_by(error) from None
    if as_json:
        print_json(rows)
    else:
        _print_table(rows)


def _print_table(rows: list[Any]) -> None:
    if not rows:
        console.print("Nothing.")
        return
    table = Table()
    for name in rows[0]:
        table.add_column(str(name), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else escape(shown(str(value))) for value in row.values()))
    console.print(table)
