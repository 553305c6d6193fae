"""`docstore sync status`, `pause` and `resume`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from docstore_cli.options import AsJson, failed, print_json, shown
from docstore_sync import pausing
from docstore_sync.selection import Selection
from docstore_sync.state import read_selection
from docstore_sync.state_folder import is_in_use
from docstore_sync.status import read_status, was_synced

Folder = Annotated[Path, typer.Argument(help="Synced folder.")]


def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show what the sync of a folder does: state, pending steps, last time in sync, errors, skipped paths."""
    folder = folder.absolute()
    _check_synced(folder)
    found = read_status(folder)
    if found is None:
        raise failed(f"{folder} has no status that can be read; the next sync writes one")
    selection, is_running = read_selection(folder), is_in_use(folder)
    shown_state = "paused" if pausing.is_paused(folder) else found.state
    if as_json:
        more: dict[str, Any] = {"running": is_running, "selection": asdict(selection)}
        print_json(asdict(found) | {"state": shown_state} | more)
        return
    running = "" if is_running else ", not running"
    typer.echo(f"{shown_state} since {found.at}" + (f", {found.pending} steps" if found.pending else "") + running)
    typer.echo(f"last in sync: {found.synced_at or 'never'}")
    for line in _lines_of(selection):
        typer.echo(line)
    for each in [*found.failures, *(f"skipped: {aside}" for aside in found.aside)]:
        typer.echo(f"  {shown(each)}")


def _check_synced(folder: Path) -> None:
    """Exit if the folder was never synced."""
    if not was_synced(folder):
        raise failed(f"{folder} was never synced")


def _lines_of(selection: Selection) -> list[str]:
    lists = {
        "folders": selection.folders,
        "include": selection.filters.include,
        "exclude": selection.filters.exclude,
    }
    return [f"{name}: {shown(', '.join(each))}" for name, each in lists.items() if each]


def pause(folder: Folder, as_json: AsJson = False) -> None:
    """Pause the sync of a folder, now and after a restart, until `docstore sync resume`."""
    _set_paused(folder.absolute(), True, as_json=as_json)


def resume(folder: Folder, as_json: AsJson = False) -> None:
    """Resume the sync of a folder."""
    _set_paused(folder.absolute(), False, as_json=as_json)


def _set_paused(folder: Path, paused: bool, *, as_json: bool) -> None:
    _check_synced(folder)
    (pausing.pause if paused else pausing.resume)(folder)
    if as_json:
        print_json({"folder": str(folder), "paused": paused})
        return
    running = "" if is_in_use(folder) or paused else f"; start it with `docstore sync {folder}`"
    typer.echo(shown(f"{folder} is {'paused' if paused else 'resumed'}{running}"))
