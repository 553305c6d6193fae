"""`docstore secrets`: keys and secrets of the services."""

from pathlib import Path
from typing import Annotated

import typer

from docstore_cli.options import AsJson, Data, console, failed, print_json
from docstore_cli.stack.options import settings_for
from docstore_standalone.credentials import credentials_path, rotate_secrets
from docstore_standalone.service_secrets import write_service_files
from docstore_standalone.state import read_state, running_state

app = typer.Typer(help="Create or rotate keys and secrets of the services.", no_args_is_help=True)


@app.command()
def rotate(data: Data = None, as_json: AsJson = False) -> None:
    """Rotate the secrets of a local stack. They take effect at its next start; the former ones stay valid."""
    folder = settings_for(data).data
    folders = [folder / name for name in read_state(folder).regions] or [folder]
    for each in folders:
        if not credentials_path(each).exists():
            raise failed(f"{each} contains no stack")
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
    folder: Annotated[Path, typer.Argument(help="Folder to create; only you can read its files.")],
    as_json: AsJson = False,
) -> None:
    """Write new secrets for services that run elsewhere: one file of variables per service, and a shared one."""
    try:
        write_service_files(folder)
    except FileExistsError:
        raise failed(f"{folder} exists already") from None
    if as_json:
        print_json({"written": sorted(str(path) for path in folder.iterdir())})
        return
    console.print(f"Each service's variables are in {folder}; shared.env is for all services.", soft_wrap=True)
