"""`docstore profiles`."""

import typer

from docstore_cli.options import AsJson, print_json, shown
from docstore_cli.sessions.profiles import chosen_profile
from docstore_cli.sessions.profiles import profiles as names
from docstore_cli.sessions.session import session_file


def profiles(as_json: AsJson = False) -> None:
    """List the profiles: log-ins of this machine that are kept apart.

    `docstore login --profile NAME` creates one, `docstore logout --profile NAME` removes it. Every command takes
    --profile, and DOCSTORE_PROFILE names one for all. With --profile, DOCSTORE_TOKEN is not used.
    """
    current = chosen_profile()
    log_ins = {name: session_file(name).load() for name in names()}
    found = [
        {"name": name, "email": known.email, "server": known.gateway, "current": name == current}
        for name, known in log_ins.items()
        if known is not None
    ]
    if as_json:
        print_json({"items": found})
        return
    for each in found:
        mark = "*" if each["current"] else " "
        typer.echo(shown(f"{mark} {each['name']:16} {each['email']:30} {each['server']}"))
