"""`docstore regions`: the regions of a DocStore, and how far away they are."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from docstore_cli.options import AsJson, console, print_json
from docstore_cli.sessions.nearest import measured_regions
from docstore_cli.sessions.session import DEFAULT_SERVER, run, session_file

Server = Annotated[
    str | None, typer.Option("--server", help="Address of any region's gateway; by default the one you logged in at.")
]


def regions(server: Server = None, as_json: AsJson = False) -> None:
    """List the regions, the nearest first."""
    session = session_file().load()
    found = run(measured_regions(server or (DEFAULT_SERVER if session is None else session.gateway)))
    if as_json:
        print_json([{**each.region.model_dump(), "latency_from_here_ms": each.latency_ms} for each in found])
        return
    table = Table("Region", "Address", "From here", "Replication behind", box=None)
    for each in found:
        here = "not reachable" if each.latency_ms is None else f"{each.latency_ms:.0f} ms"
        behind = f"{each.region.replication_lag_seconds:.0f} s"
        table.add_row(escape(each.region.name), escape(each.region.url), here, behind)
    console.print(table)
