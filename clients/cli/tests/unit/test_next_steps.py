"""Output of `docstore up`, and how to become an administrator."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from docstore_cli.main import app
from docstore_cli.stack.next_steps import print_next_steps
from docstore_cli.stack.options import lan_options, settings_for
from docstore_standalone.credentials import load_credentials
from docstore_standalone.state import StackLock, StackState, write_state

GATEWAY, ADMIN = "http://127.0.0.1:8080", "admin@docstore.localhost"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Path]:
    """The folder of a running stack, as far as the command can see."""
    write_state(tmp_path, StackState(addresses={"gateway": GATEWAY, "admin": ADMIN}))
    with StackLock(tmp_path):
        yield tmp_path


def printed(data: Path, folders: dict[str, Path], stop: str | None = None) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        print_next_steps(console, data, folders, stop=stop)
    return capture.get()


def test_it_shows_where_to_sign_up_and_how_to_administer_it(stack: Path) -> None:
    """Each command works as it is printed, whichever data folder it is."""
    text = printed(stack, {"": stack})
    assert f"{GATEWAY}/sign-up" in text
    assert f"{ADMIN} (password: docstore admin password --data {stack})" in text
    assert f"docstore down --data {stack}" in text


def test_it_shows_how_others_reach_it(stack: Path) -> None:
    """The address, where to trust the certificate with its fingerprint, and a QR code at a terminal."""
    reach = {
        "public": "https://192.168.1.5:8443",
        "trust": "http://192.168.1.5:8445/trust/",
        "trust-fingerprint": "AB:CD",
    }
    write_state(stack, StackState(addresses={"gateway": GATEWAY, "admin": ADMIN, **reach}))
    assert all(text in printed(stack, {"": stack}) for text in reach.values())
    terminal = Console(width=200, force_terminal=True, file=StringIO())
    print_next_steps(terminal, stack, {"": stack})
    assert isinstance(terminal.file, StringIO)
    assert "▄" in terminal.file.getvalue()


def test_other_machines_need_the_option(stack: Path) -> None:
    """A host without --lan is a mistake, and a stack in the background reaches others as one in the foreground does."""
    refused = CliRunner().invoke(app, ["up", "--data", str(stack), "--host", "box.local"])
    assert refused.exit_code == 2
    settings = settings_for(stack, lan=True, lan_host="box.local", lan_tls="c,k")
    assert lan_options(settings) == ["--lan", "--host", "box.local", "--tls", "c,k"]
    assert lan_options(settings_for(stack)) == []


def test_each_region_has_its_own(stack: Path) -> None:
    """Address and administrator; all of them stop together."""
    text = printed(stack.parent, {"eu": stack, "us": stack}, "Ctrl-C")
    assert text.count(f"{GATEWAY}/sign-up") == 2
    assert f"docstore admin password --data {stack}" in text
    assert text.count("Ctrl-C") == 1


def test_the_administrators_password_is_shown_to_who_may_read_the_folder(stack: Path) -> None:
    """It is the one that was made at the first start."""
    shown = CliRunner().invoke(app, ["admin", "password", "--data", str(stack)])
    assert shown.exit_code == 0, shown.output
    assert ADMIN in shown.output
    assert load_credentials(stack).admin_password in shown.output
