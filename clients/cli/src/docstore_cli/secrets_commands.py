"""`docstore secrets`: keys and secrets that the services of a deployment hold."""

from pathlib import Path
from typing import Annotated

import typer

from docstore_cli.options import AsJson, console, failed, print_json
from docstore_cli.stack_options import Data, settings_for
from docstore_standalone.credentials import CREDENTIALS_FILE, rotate_secrets
from docstore_standalone.service_secrets import write_service_files
from docstore_standalone.state import read_state, running_state

app = typer.Typer(
    help="The keys and secrets of the services: new ones, for this machine or another.", no_args_is_help=True
)


@app.command()
def rotate(data: Data = None, as_json: AsJson = False) -> None:
    """Make new ones for the stack of a data folder. They take effect when it starts; the former stay accepted."""
    folder = settings_for(data).data
    folders = [folder / name for name in read_state(folder).regions] or [folder]
    for each in folders:
        if not (each / CREDENTIALS_FILE).exists():
            raise failed(f"there is no stack in {each}")
    for each in folders:
        rotate_secrets(each)
    running = running_state(folder) is not None
    if as_json:
        print_json({"rotated": [str(each) for each in folders], "restart_needed": running})
        return
    console.print(f"New keys and secrets are in {folder}.", soft_wrap=True)
    if running:
        console.print("Restart the stack to use them: `docstore down`, then `docstore up`.")


@app.command("new")
def new_files(
    folder: Annotated[Path, typer.Argument(help="A new folder; its files are readable by you alone.")],
    as_json: AsJson = False,
) -> None:
    """Write new ones for services that run elsewhere: one file of variables for each, and one for all."""
    try:
        write_service_files(folder)
    except FileExistsError:
        raise failed(f"{folder} exists already") from None
    if as_json:
        print_json({"written": sorted(str(path) for path in folder.iterdir())})
        return
    console.print(f"Variables of each service are in {folder}; shared.env is for all of them.", soft_wrap=True)
