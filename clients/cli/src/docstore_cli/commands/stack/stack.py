"""`docstore up`, `down` and `status`: the stack of one data folder."""

import asyncio
import gc
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.table import Table

from docstore_cli.options import AsJson, Data, console, failed, print_json
from docstore_cli.stack.background import has_ended, in_background
from docstore_cli.stack.next_steps import print_next_steps, print_reach
from docstore_cli.stack.options import settings_for
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import StackState, read_state, region_folders, running_state
from docstore_standalone.supervision.forker import importing_services
from docstore_standalone.supervision.processes import ProcessId

START_SECONDS = 120
STOP_SECONDS = 45
POLL_SECONDS = 0.03
MIB = 1024 * 1024

Port = Annotated[int | None, typer.Option("--port", help="The gateway's port; by default 8080 or the next free one.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return when everything has started.")]
Processes = Annotated[bool, typer.Option("--processes", help="Run each service in its own process.")]
RegionNames = Annotated[
    str | None, typer.Option("--regions", metavar="A,B", help="Run one stack per region, in sub-folders.")
]
Lan = Annotated[bool, typer.Option("--lan", help="Let other machines and phones reach it, by TLS.")]
Host = Annotated[
    str | None, typer.Option("--host", help="With --lan: the name that others use; by default this machine's address.")
]
Tls = Annotated[str | None, typer.Option("--tls", metavar="CERT,KEY", help="With --lan: files of your certificate.")]
Acme = Annotated[
    str | None, typer.Option("--acme", metavar="URL", help="With --lan: get a certificate from this ACME directory.")
]


def up(
    data: Data = None,
    port: Port = None,
    detach: Detach = False,
    processes: Processes = False,
    regions: RegionNames = None,
    lan: Lan = False,
    host: Host = None,
    tls: Tls = None,
    acme: Acme = None,
) -> None:
    """Run DocStore on this machine until Ctrl-C."""
    settings = settings_for(data, port=port, lan=lan or None, lan_host=host, lan_tls=tls, lan_acme=acme)
    if (host or tls or acme) and not settings.lan:
        raise typer.BadParameter("--host, --tls and --acme need --lan")
    names = None if regions is None else [name.strip() for name in regions.split(",")]
    if detach:
        start_detached(settings, processes=processes, regions=names)
        return
    asyncio.run(_stay(settings, processes=processes, regions=names))


async def _stay(settings: StandaloneSettings, *, processes: bool, regions: list[str] | None) -> None:
    """Import the services in another process while this one imports the supervisor."""
    forker = await importing_services(settings.data) if regions is None else None
    gc.disable()  # collecting takes a seventh of the time of importing and finds next to nothing
    foreground = import_module("docstore_cli.stack.foreground")  # imported here: other commands would lose a second
    gc.enable()
    await foreground.stay(settings, processes=processes, regions=regions, forker=forker)


def start_detached(settings: StandaloneSettings, *, processes: bool, regions: list[str] | None) -> StackState:
    """Start the stack in the background. Return its state when the gateway is ready."""
    if running_state(settings.data) is not None:
        raise failed(f"a stack is already running on {settings.data}")
    log_file = settings.data / "logs" / "up.log"
    log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    child = in_background(lambda: asyncio.run(_stay(settings, processes=processes, regions=regions)), log_file)
    with console.status("Starting DocStore …"):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if has_ended(child):
                raise failed(f"it did not start:\n{log_file.read_text(errors='replace')[-2000:]}")
            state = running_state(settings.data)
            is_its_own = state is not None and state.supervisor is not None and state.supervisor.pid == child
            if state is not None and is_its_own and "gateway" in state.addresses:
                print_next_steps(console, settings.data, region_folders(settings.data, state))
                return state
            time.sleep(POLL_SECONDS)
    os.kill(child, signal.SIGTERM)
    raise failed(f"not ready after {START_SECONDS} s; see {log_file}")


def down(data: Data = None) -> None:
    """Stop the stack of a data folder; its data is kept."""
    settings = settings_for(data)
    state = running_state(settings.data)
    if state is None:
        console.print("Nothing is running.")
        return
    if state.supervisor is not None and (process := state.supervisor.find()):
        process.send_signal(signal.SIGTERM)
        _wait_for_end(settings.data, state.supervisor)
    elif running_state(settings.data) is not None:
        raise failed(
            f"the process that runs the stack on {settings.data} is not found. If it has just been started, "
            "try again; if it runs in a container or on another machine, stop it there"
        )
    console.print("Stopped.")


def _wait_for_end(data: Path, supervisor: ProcessId) -> None:
    """Wait until the process has ended and the folder is free; exit with the reason if that takes too long."""
    with console.status("Stopping DocStore …"):
        deadline = time.monotonic() + STOP_SECONDS
        while supervisor.find() is not None or running_state(data) is not None:
            if time.monotonic() > deadline:
                if supervisor.find() is None:
                    raise failed(f"process {supervisor.pid} has ended, but another one still uses {data}")
                raise failed(f"process {supervisor.pid} does not stop")
            time.sleep(POLL_SECONDS)


def status(data: Data = None, as_json: AsJson = False) -> None:
    """Show the processes of a data folder, their addresses and memory."""
    settings = settings_for(data)
    state = running_state(settings.data)
    if state is None:
        if as_json:
            print_json({"state": "stopped", "data": settings.data, "regions": []})
        else:
            console.print(f"No stack is running on {settings.data}.")
        raise typer.Exit(3)
    report = _report(settings, state)
    if as_json:
        print_json(report)
        return
    for region in report["regions"]:
        where = f" in {region['region']}" if state.regions else ""
        console.print(f"DocStore{where} on {settings.data}: [bold]{region['gateway'] or 'starting'}[/]")
        print_reach(console, region["addresses"])
        table = Table()
        for name in ("component", "pid", "address", "memory MiB"):
            table.add_column(name, justify="right" if name in ("pid", "memory MiB") else "left")
        for part in region["parts"]:
            table.add_row(part["name"], str(part["pid"]), part["address"], str(part["memory_mib"]))
        console.print(table)
    console.print(f"{sum(region['memory_mib'] for region in report['regions'])} MiB in all (proportional set size)")


def _report(settings: StandaloneSettings, state: StackState) -> dict[str, Any]:
    """Report memory by region; the shared supervisor counts for the first."""
    supervisor = {} if state.supervisor is None else {"supervisor": state.supervisor}
    folders = region_folders(settings.data, state).items()
    regions = [
        _region(name or settings.region, read_state(folder) if name else state, {} if number else supervisor)
        for number, (name, folder) in enumerate(folders)
    ]
    ready = bool(state.addresses.get("gateway"))
    return {"state": "running" if ready else "starting", "data": settings.data, "regions": regions}


def _region(name: str, state: StackState, others: dict[str, ProcessId]) -> dict[str, Any]:
    processes = {**state.processes, **others}
    addresses = dict(state.addresses)
    gateway = addresses.get("gateway", "")
    addresses.setdefault("services", gateway)
    names = {"mongod": "mongodb", "object-store": "s3", "broker": "kafka"}
    parts = [
        {
            "name": name,
            "pid": process.pid,
            "address": addresses.get(names.get(name, name), ""),
            "memory_mib": memory_mib(process),
        }
        for name, process in processes.items()
    ]
    return {
        "region": name,
        "gateway": gateway,
        "addresses": addresses,
        "parts": parts,
        "memory_mib": sum(int(part["memory_mib"]) for part in parts if isinstance(part["memory_mib"], int)),
    }


def memory_mib(identity: ProcessId) -> int:
    """Proportional set size of a process and its children, MiB; 0 if it has ended."""
    process = identity.find()
    if process is None:
        return 0
    total = 0
    for one in (process, *(child for child in process.children(recursive=True) if not _is_part(child))):
        try:
            total += one.memory_full_info().pss if sys.platform == "linux" else one.memory_info().rss
        except psutil.Error:
            continue
    return round(total / MIB)


def _is_part(child: psutil.Process) -> bool:
    """Whether a child is a component of its own; other children belong to their parent."""
    return bool(os.getsid(child.pid) == child.pid)
