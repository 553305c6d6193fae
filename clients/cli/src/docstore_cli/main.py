"""The `docstore` command. Each command's module is imported when that command runs: the others cost nothing.

Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 not logged in; 4 not found; 5 over quota; 6 unreachable;
130 ended by Ctrl-C. Of several things that failed, that of the first. `docstore status`: 3 if nothing runs.
"""

import gc
from importlib import import_module
from typing import Annotated, Any

import typer
from typer import core

COMMANDS = {
    "up": ("stack_commands", "Start everything on this machine and stay until Ctrl-C."),
    "down": ("stack_commands", "Stop the stack of a data folder; what it keeps stays."),
    "status": ("stack_commands", "What is running on a data folder, where, and how much memory it takes."),
    "mail": ("stack_commands", "What the local SES received, newest last; that of every region."),
    "backup": ("backup_commands", "Back up a deployment while people use it; what a folder has is not copied again."),
    "restore-backup": ("backup_commands", "Restore a backup into an empty data folder, or an empty deployment."),
    "secrets": ("secrets_commands", "The keys and secrets of the services: new ones, for this machine or another."),
    "demo": ("demo_command", "Run the main job on real documents and show what happens; then stay until Ctrl-C."),
    "events": ("events_commands", "What the services say, and what could not be handled."),
    "admin": ("admin_commands", "Figures, accounts, the audit log, health, and SQL over the archive of events."),
    "login": ("account_commands", "Log in, wherever the account's home is, and stay logged in on this machine."),
    "logout": ("account_commands", "End the session of this machine."),
    "recover": ("account_commands", "Have a link mailed by which a new password is chosen in a browser."),
    "verify": ("account_commands", "Verify the account's e-mail address, so that what others share with it appears."),
    "usage": ("account_commands", "Whose account this is, and how much of its room is used."),
    "ls": ("tree_commands", "List folders and files."),
    "put": ("put_command", "Send files and folders; what is there already is not sent again."),
    "get": ("get_command", "Fetch files and folders; what is here already is not fetched again."),
    "mkdir": ("tree_commands", "Make folders, with those above them."),
    "mv": ("tree_commands", "Move or rename files and folders."),
    "cp": ("tree_commands", "Copy files and folders, without fetching them."),
    "rm": ("tree_commands", "Put files and folders into the trash."),
    "history": ("history_commands", "The versions of a file, newest first: who made them, and on which device."),
    "restore": ("history_commands", "Bring an old version back, or a file or folder out of the trash."),
    "trash": ("history_commands", "What is in the trash, the latest first."),
    "retention": ("retention_command", "How long the trash and old versions are kept; with options: choose it."),
    "search": ("search_command", "Find files and folders by name, or files by their text."),
    "share": ("sharing_commands", "Share a file or folder with somebody."),
    "unshare": ("sharing_commands", "End a share: one's own, or one that was received."),
    "shared": ("sharing_commands", "What others share with you, and who; of a file or folder of yours: with whom."),
    "shares": ("shares_commands", "Shares that wait for you: accept or decline them, block people."),
    "link": ("sharing_commands", "Make a public link."),
    "links": ("sharing_commands", "The public links to a file or folder."),
    "unlink": ("sharing_commands", "Take public links back."),
    "sync": ("sync_command", "Keep a folder and the account's files the same, both ways."),
    "watch": ("watch_command", "Show changes as they happen, until Ctrl-C."),
    "follow": ("following_commands", "Be told of changes to a file or folder; without one: what you follow."),
    "unfollow": ("following_commands", "Be told no more of a file or folder."),
}
"""Name: the module with its function, or with an `app` of sub-commands; what it does."""


class LazyGroup(core.TyperGroup):
    """Imports a command's module when the command is used, not to list it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"docstore_cli.{COMMANDS[cmd_name][0]}")
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


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # no other command need wait for this import

        typer.echo(f"docstore {version('docstore-cli')}")
        raise typer.Exit


@app.callback()
def docstore(
    _: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Keep, sync, search and share files: a whole DocStore on this machine, and the tools to look into it."""


def main() -> None:
    """The command as a process of its own."""
    # Most of what a command makes lives until its end: to look through it for circles was a tenth of a large sync.
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    finally:
        gc.freeze()  # nor is it looked through at the end, when all of it goes
