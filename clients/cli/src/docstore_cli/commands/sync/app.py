"""`docstore sync`: syncs a folder; its status, pauses, and the unit that runs it."""

import typer

from docstore_cli.commands.sync import control, install_service, sync
from docstore_cli.groups import DefaultGroup


class SyncByDefault(DefaultGroup):
    """`docstore sync FOLDER` is `docstore sync run FOLDER`. A folder named like a command is `./status`."""

    default = "run"


app = typer.Typer(
    cls=SyncByDefault,
    help="Sync a folder with the account's files, both ways.\n\n`docstore sync FOLDER` is `docstore sync run FOLDER`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.command("run")(sync.sync)
app.command("status")(control.status)
app.command("pause")(control.pause)
app.command("resume")(control.resume)
app.command("install-service")(install_service.install_service)
