"""The `docstore` command. Each command's module is imported only when that command runs.

Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 not logged in; 4 not found; 5 over quota; 6 unreachable;
130 ended by Ctrl-C. If several items fail, the first failure decides. `docstore status`: 3 if nothing runs.
"""

import gc
from importlib import import_module
from typing import Annotated, Any

import typer
from typer import core

COMMANDS = {
    "up": ("stack", "Run DocStore on this machine until Ctrl-C."),
    "down": ("stack", "Stop the stack of a data folder; its data is kept."),
    "status": ("stack", "Show the processes of a data folder, their addresses and memory."),
    "mail": ("stack", "Show the emails that the local SES received, newest last."),
    "backup": ("backup", "Back up a running deployment; delete and verify backups."),
    "restore-backup": ("restore_backup", "Restore a backup into an empty data folder, or an empty deployment."),
    "chaos": ("chaos", "Inject a fault into a running stack, and report what users felt."),
    "secrets": ("secrets", "Create or rotate keys and secrets of the services."),
    "demo": ("demo", "Upload sample documents and show what happens; then run until Ctrl-C."),
    "events": ("events", "Events and dead letters."),
    "admin": ("admin", "Administration: reports, accounts, audit log, health, event archive."),
    "login": ("account", "Log in on this machine."),
    "regions": ("regions", "List the regions, the nearest first."),
    "logout": ("account", "Log out on this machine."),
    "recover": ("account", "Email a password reset link."),
    "verify": ("account", "Verify the account's email address."),
    "usage": ("account", "Show account and storage usage."),
    "ls": ("tree", "List folders and files."),
    "put": ("put", "Upload files and folders; files that are there already are skipped."),
    "get": ("get", "Download files and folders; files that are here already are skipped."),
    "retrieve": ("retrieve", "Request files that are in cold storage; you are notified when they can be read."),
    "mkdir": ("tree", "Create folders, with missing parent folders."),
    "mv": ("tree", "Move or rename files and folders."),
    "cp": ("tree", "Copy files and folders on the server."),
    "meta": ("meta", "Show or change the custom metadata of a file or folder."),
    "rm": ("tree", "Move files and folders to the trash."),
    "history": ("history", "List the versions of a file, newest first."),
    "restore": ("history", "Restore an old version, or a file or folder from the trash."),
    "trash": ("history", "List the trash, newest first."),
    "retention": ("retention", "Show or change how long the trash and old versions are kept."),
    "search": ("search", "Find files and folders by name, or files by their text."),
    "saved-searches": ("search", "List saved searches, or delete one."),
    "languages": ("languages", "Show or choose the languages of text in pictures and scans."),
    "share": ("sharing", "Share a file or folder."),
    "unshare": ("sharing", "Stop sharing, or remove something shared with you."),
    "shared": ("sharing", "List what is shared with you; with a path, list who has access to it."),
    "shares": ("shares", "Pending shares: accept or decline them, block people."),
    "link": ("sharing", "Create a public link."),
    "links": ("sharing", "List the public links to a file or folder."),
    "unlink": ("sharing", "Revoke public links."),
    "sync": ("sync", "Sync a folder with the account's files, both ways."),
    "watch": ("watch", "Show changes as they happen, until Ctrl-C."),
    "follow": ("following", "Follow changes of a file or folder; without a path, list what you follow."),
    "unfollow": ("following", "Stop following a file or folder."),
}
"""By name: the module with its function, or with an `app` of sub-commands; the help text."""


class LazyGroup(core.TyperGroup):
    """Imports a command's module only when the command is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"docstore_cli.commands.{COMMANDS[cmd_name][0]}")
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(rich_markup_mode=None, add_completion=False)
            found.command(cmd_name)(getattr(module, cmd_name.replace("-", "_")))
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [core.CompletionItem(name, help=COMMANDS[name][1]) for name in names]  # type: ignore[attr-defined]
        return items + super(core.TyperGroup, self).shell_complete(ctx, incomplete)


app = typer.Typer(
    name="docstore", cls=LazyGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_show_locals=False
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version  # imported here, so that other commands start faster

        typer.echo(f"docstore {version('docstore-cli')}")
        raise typer.Exit


@app.callback()
def docstore(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Store, sync, search and share files; run and inspect a DocStore on this machine."""


def main() -> None:
    """Entry point of the command."""
    # Most objects live until the command ends: garbage collection took a tenth of a large sync.
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    finally:
        gc.freeze()  # skip garbage collection at exit, too
