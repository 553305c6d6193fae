"""`docstore install-service`: lets the system start the stack of this machine."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from docstore_cli.commands.stack.stack import Acme, Host, Lan, Port, Processes, Tls
from docstore_cli.options import Data
from docstore_cli.stack.options import lan_options, settings_for
from docstore_cli.system.service_files import service_file
from docstore_cli.system.service_units import Service

NAME = "docstore"

System = Annotated[bool, typer.Option("--system", help="For the whole machine, from its start on; needs root.")]
User = Annotated[str | None, typer.Option("--user", help="With --system: the user that runs it, who owns the data.")]
OnlyPrint = Annotated[bool, typer.Option("--print", help="Print the unit, and write nothing.")]


def install_service(
    data: Data = None,
    port: Port = None,
    processes: Processes = False,
    lan: Lan = False,
    host: Host = None,
    tls: Tls = None,
    acme: Acme = None,
    system: System = False,
    user: User = None,
    only_print: OnlyPrint = False,
) -> None:
    """Write a unit by which the system runs `docstore up`.

    It is a systemd unit, or on macOS a launchd agent, and it runs with the options that are given here.
    """
    if system != (user is not None):
        raise typer.BadParameter("--system and --user belong together")
    if (host or tls or acme) and not lan:
        raise typer.BadParameter("--host, --tls and --acme need --lan")
    settings = settings_for(data, port=port, lan=lan or None, lan_host=host, lan_tls=_absolute(tls), lan_acme=acme)
    command = [sys.executable, "-m", "docstore_cli", "up", "--data", str(settings.data)]
    command += ["--port", str(settings.port)] if settings.port else []
    command += ["--processes"] if processes else []
    command += lan_options(settings)
    service = Service(command, settings.data / "logs" / "up.log", user)
    unit = service_file(NAME, service, instead="docstore up")
    print(unit.text, end="")
    if not only_print:
        unit.write()
        unit.show_steps()


def _absolute(tls: str | None) -> str | None:
    """Make the paths of CERT,KEY absolute: a service starts in another folder."""
    return tls and ",".join(str(Path(each).expanduser().absolute()) for each in tls.split(","))
