"""`docstore sync install-service`: lets the system sync a folder."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from docstore_cli.options import AsJson, print_json
from docstore_cli.sessions.profiles import DEFAULT, chosen_profile
from docstore_cli.sessions.session import OPTIONS
from docstore_cli.system.service_files import service_file
from docstore_cli.system.service_units import Service
from docstore_cli.transfers.options import BandwidthLimit, limited
from docstore_sync.state_folder import state_folder

Folder = Annotated[Path, typer.Argument(help="Folder to sync.")]
OnlyPrint = Annotated[bool, typer.Option("--print", help="Print the unit, and write nothing.")]


def install_service(
    folder: Folder, bwlimit: BandwidthLimit = None, only_print: OnlyPrint = False, as_json: AsJson = False
) -> None:
    """Write a unit by which the system syncs a folder while you are logged in.

    It is a systemd unit of the user, or on macOS a launchd agent. What is selected is a setting of the folder.
    """
    limited(OPTIONS, bwlimit)
    folder = folder.expanduser().absolute()
    profile = chosen_profile()
    named = [] if profile == DEFAULT else ["--profile", profile]
    command = [sys.executable, "-m", "docstore_cli", *named, "sync", "run", str(folder)]
    command += ["--bwlimit", bwlimit] if bwlimit else []
    service = Service(command, state_folder(folder) / "sync.log", description=f"DocStore sync of {folder}")
    unit = service_file(f"docstore-sync-{_slug(folder)}", service, instead=f"docstore sync {folder}")
    if not only_print:
        unit.write()
    if as_json:
        print_json({"path": str(unit.path), "unit": unit.text, "steps": unit.steps})
        return
    print(unit.text, end="")
    if not only_print:
        unit.show_steps()


def _slug(folder: Path) -> str:
    """A name for the folder's unit, unlike that of other folders."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "folder"
    return f"{name}-{state_folder(folder).name[:6]}"
