"""The command without its server part, as on a machine that only uses a server elsewhere, whatever its system."""

import subprocess
import sys

import pytest

from docstore_cli.main import COMMANDS

SERVER = {
    "up", "down", "status", "mail", "install-service", "backup", "restore-backup", "chaos", "secrets", "demo", "events",
}  # fmt: skip
"""Commands that need the server part."""
ABSENT = """
import sys

class Absent:
    names = {names!r}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
POSIX = {"fcntl", "grp", "pwd", "resource", "termios", "uvloop"}
SERVER_PART = {
    "docstore_contents", "docstore_contracts", "docstore_events", "docstore_platform", "docstore_standalone",
    "docstore_work", "boto3", "cryptography", "duckdb", "docx", "fastapi", "PIL", "psutil", "pymongo", "reportlab",
    "segno", "starlette", "structlog",
}  # fmt: skip


def run(code: str) -> subprocess.CompletedProcess[str]:
    script = ABSENT.format(names=POSIX | SERVER_PART) + code
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def test_commands_are_imported_without_platform_modules() -> None:
    """Nor does any module of client and sync need them, or what only a server needs."""
    modules = sorted({f"docstore_cli.commands.{COMMANDS[name][0]}" for name in COMMANDS if name not in SERVER})
    done = run(
        f"""
import importlib, pkgutil, docstore_client, docstore_sync
names = {modules!r} + [
    each.name for package in (docstore_client, docstore_sync)
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > len(modules) + 40


@pytest.mark.parametrize("name", sorted(SERVER))
def test_what_runs_a_server_says_what_to_install(name: str) -> None:
    """In one line."""
    done = run(f"from docstore_cli.main import main; sys.argv = ['docstore', {name!r}]; main()")
    assert done.returncode == 1, done.stderr
    assert done.stderr == f"error: `docstore {name}` needs the server part: pip install 'docstore[server]'\n"
