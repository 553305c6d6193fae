"""Prints what to do with a stack that has just started."""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.markup import escape

from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.state import read_state


def print_next_steps(console: Console, data: Path, folders: Mapping[str, Path], *, stop: str | None = None) -> None:
    """Print each region's address, and how to sign up, administer and stop the stack.

    `folders`: data folders by region, `""` for a single stack. `stop`: how to stop it, if not with `docstore down`.
    """
    option = "" if data == StandaloneSettings().data else f" --data {quote(str(data))}"
    for name, folder in folders.items():
        addresses = read_state(folder).addresses
        gateway = addresses["gateway"]
        where = f" in {name}" if name else ""
        of_region = option if not name else f" --data {quote(str(folder))}"
        console.print(f"DocStore{where} is ready at [bold]{escape(gateway)}[/]")
        print_reach(console, addresses)
        _draw_code(console, addresses)
        _print(console, "Sign up", f"{gateway}/sign-up")
        _print(console, "Administrator", f"{addresses['admin']} (password: docstore admin password{of_region})")
    _print(console, "Mail sent", f"docstore mail{option}")
    _print(console, "Stop", stop or f"docstore down{option}")


def print_reach(console: Console, addresses: Mapping[str, str]) -> None:
    """Print how other machines reach a stack that they can reach."""
    if "public" not in addresses:
        return
    _print(console, "Others", addresses["public"])
    if "trust" in addresses:
        _print(console, "First visit", f"{addresses['trust']} (makes a device trust the certificate)")
        _print(console, "Fingerprint", addresses["trust-fingerprint"])


def _draw_code(console: Console, addresses: Mapping[str, str]) -> None:
    """Draw the QR code by which phones reach it, at a terminal."""
    if "public" not in addresses or not console.is_terminal:
        return
    import segno  # imported here: only this needs it

    drawn = StringIO()
    segno.make(addresses.get("trust") or addresses["public"], micro=False).terminal(out=drawn, compact=True)
    console.file.write(drawn.getvalue())


def _print(console: Console, label: str, text: str) -> None:
    console.print(f"  {label + ':':<15}{escape(text)}", highlight=False, soft_wrap=True)
