"""Commands that show the services at work: health, logs, events, backups."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from docstore_cli.commands.admin.app import Limit, app, print_table
from docstore_cli.options import AsJson, Data, console, print_json, print_json_line, shown
from docstore_cli.sessions import admin_session
from docstore_client import AsyncClient

TraceId = Annotated[str, typer.Option("--trace-id", help="Only this trace, in all services.")]
ServiceOption = Annotated[str, typer.Option("--service", help="Only this service.")]
LogLevel = Annotated[str, typer.Option("--level", help="debug, info, warning, error or critical: and worse.")]
Contains = Annotated[str, typer.Option("--contains", help="Only lines with this text.")]
Now = Annotated[bool, typer.Option("--now", help="Have a backup taken as soon as possible.")]
Topics = Annotated[list[str] | None, typer.Argument(help="Topics to watch; by default all.")]


@app.command()
def health(data: Data = None, as_json: AsJson = False) -> None:
    """Show the state and backlog of every service."""
    found = admin_session.as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/health"))
    if as_json:
        print_json(found)
    else:
        print_table([_health_row(service) for service in found["services"]])
    if found["status"] != "ok":
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
    found = admin_session.as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/logs", params=params))
    if as_json:
        print_json(found)
        return
    for line in reversed(found["items"]):
        fields = " ".join(f"{name}={value}" for name, value in line["fields"].items())
        about = f"[dim]{line['at']}[/] {line['level']:8} {line['service']:10} [bold]{escape(line['event'])}[/]"
        trace = f" [dim]trace={line['trace_id']}[/]" if line["trace_id"] else ""
        console.print(f"{about} {escape(shown(fields))}{trace}", highlight=False, soft_wrap=True)


@app.command()
def events(topics: Topics = None, data: Data = None, as_json: AsJson = False) -> None:
    """Show events as they are published, until Ctrl-C."""
    admin_session.as_admin(data, lambda docstore: _watch(docstore, topics or [], as_json=as_json))


async def _watch(docstore: AsyncClient, topics: list[str], *, as_json: bool) -> None:
    async for kind, event in admin_session.stream_events(docstore, topics):
        if as_json:
            print_json_line({"event": kind, **event})
        elif kind == "event":
            about = f"[dim]{event['time'][11:23]}[/] {event['source']:9} [bold]{event['type']:20}[/]"
            console.print(f"{about} {escape(shown(event['subject']))}", highlight=False, soft_wrap=True)
        else:
            console.print(f"[dim]{kind} {escape(str(event))}[/]", highlight=False)


@app.command()
def backups(now: Now = False, data: Data = None, as_json: AsJson = False) -> None:
    """Show the state of scheduled backups; with --now, have one taken as soon as possible."""
    found = admin_session.as_admin(data, lambda docstore: docstore.call("POST" if now else "GET", "/v1/admin/backups"))
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
