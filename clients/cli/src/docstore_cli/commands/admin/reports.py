"""Commands that show figures: reports, and SQL queries of the event archive."""

from typing import Annotated

import typer

from docstore_cli.commands.admin.app import From, Limit, To, app, print_table
from docstore_cli.commands.admin.archive_query import QueryLimits, fetch_archive, run_query, tables_in
from docstore_cli.failures import BadUsage, ended_by
from docstore_cli.options import AsJson, Data, console, print_json, size_text
from docstore_cli.sessions import admin_session

Step = Annotated[str, typer.Option("--step", help="hour or day.")]
Name = Annotated[str, typer.Argument(help="Such as uploads, storage, most-shared, usage or access.")]
Sql = Annotated[str, typer.Argument(help="A query of the tables `events`, `calls` and `accesses`.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Time limit of the query in seconds.")]
Memory = Annotated[int, typer.Option("--memory", min=64, help="Memory limit of the query in MiB.")]
MaxScan = Annotated[int, typer.Option("--max-scan", min=1, help="Limit in MiB of the archive files that are read.")]


@app.command()
def overview(data: Data = None, as_json: AsJson = False) -> None:
    """Show accounts, documents and bytes by plan."""
    totals = admin_session.as_admin(data, lambda docstore: docstore.call("GET", "/v1/admin/overview"))
    if as_json:
        print_json(totals)
        return
    rows = [{"plan": plan, **totals["by_plan"][plan]} for plan in sorted(totals["by_plan"])]
    everything = {name: totals[name] for name in ("accounts", "documents", "bytes")}
    print_table([*rows, {"plan": "all", **everything}])
    console.print(f"Average document size: {size_text(totals['average_document_bytes'])}")


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
    found = admin_session.as_admin(
        data, lambda docstore: docstore.call("GET", f"/v1/admin/reports/{name}", params=params)
    )
    if as_json:
        print_json(found)
    elif "items" in found:
        print_table(found["items"])
    else:
        lines = {line["name"]: line["values"] for line in found["series"]}
        print_table(
            [
                {step: time, **{by: values[number] for by, values in lines.items()}}
                for number, time in enumerate(found["times"])
                if any(values[number] for values in lines.values())
            ]
        )


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
        tables = tables_in(sql)
        files = admin_session.as_admin(data, lambda docstore: fetch_archive(docstore, tables, begin, to, max_scan))
        rows = run_query(sql, files, QueryLimits(timeout, memory, max_scan))
    except BadUsage as error:
        raise ended_by(error) from None
    if as_json:
        print_json(rows)
    else:
        print_table(rows)
