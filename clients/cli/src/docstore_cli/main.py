"""The `docstore` command. Each command's module is imported only when that command runs.

Exit status: 0 done; 1 refused or failed; 2 wrong usage; 3 not logged in; 4 not found; 5 over quota; 6 unreachable;
130 ended by Ctrl-C. If several items fail, the first failure decides. `docstore status`: 3 if nothing runs.
"""

import gc
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import typer
from typer import core

COMMANDS = {
    "up": ("stack.stack", "Run DocStore on this machine until Ctrl-C."),
    "install-service": ("stack.install_service", "Write a unit by which the system runs `docstore up`."),
    "down": ("stack.stack", "Stop the stack of a data folder; its data is kept."),
    "status": ("stack.stack", "Show the processes of a data folder, their addresses and memory."),
    "mail": ("stack.mail", "Show the emails that the local SES received, newest last."),
    "backup": ("stack.backup", "Back up a running deployment; delete and verify backups."),
    "restore-backup": ("stack.restore_backup", "Restore a backup into an empty data folder, or an empty deployment."),
    "chaos": ("stack.chaos", "Inject a fault into a running stack, and report what users felt."),
    "secrets": ("stack.secrets", "Create or rotate keys and secrets of the services."),
    "demo": ("stack.demo", "Upload sample documents and show what happens; then run until Ctrl-C."),
    "events": ("stack.events", "Events and dead letters."),
    "admin": ("admin", "Administration: reports, accounts, audit log, health, event archive."),
    "login": ("account.account", "Log in on this machine."),
    "regions": ("account.regions", "List the regions, the nearest first."),
    "logout": ("account.account", "Log out on this machine."),
    "recover": ("account.account", "Email a password reset link."),
    "verify": ("account.account", "Verify the account's email address."),
    "token": ("account.token", "API tokens: create, list and revoke credentials for programs."),
    "profiles": (
        "account.profiles",
        "List the profiles: log-ins of this machine that are kept apart.",
    ),
    "usage": ("account.account", "Show account and storage usage."),
    "ls": ("files.tree", "List folders and files."),
    "put": ("files.put", "Upload files and folders, or stdin; files that are there already are skipped."),
    "get": ("files.get", "Download files and folders; files that are here already are skipped."),
    "cat": ("files.cat", "Write the contents of files to stdout."),
    "retrieve": ("files.retrieve", "Request files that are in cold storage; you are notified when they can be read."),
    "credentials": ("files.credentials", "Get temporary credentials to read your files with any S3 tool."),
    "mkdir": ("files.tree", "Create folders, with missing parent folders."),
    "mv": ("files.tree", "Move or rename files and folders."),
    "cp": ("files.tree", "Copy files and folders on the server."),
    "meta": ("files.meta", "Show or change the custom metadata of a file or folder."),
    "rm": ("files.tree", "Move files and folders to the trash."),
    "history": ("files.history", "List the versions of a file, newest first."),
    "restore": ("files.history", "Restore an old version, or a file or folder from the trash."),
    "trash": ("files.history", "List the trash, newest first."),
    "retention": ("files.retention", "Show or change how long the trash and old versions are kept."),
    "search": ("files.search", "Find files and folders by name, or files by their text."),
    "saved-searches": ("files.search", "List saved searches, or delete one."),
    "languages": ("account.languages", "Show or choose the languages of text in pictures and scans."),
    "share": ("sharing.sharing", "Share a file or folder."),
    "unshare": ("sharing.sharing", "Stop sharing, or remove something shared with you."),
    "shared": ("sharing.sharing", "List what is shared with you; with a path, list who has access to it."),
    "shares": ("sharing.shares", "Pending shares: accept or decline them, block people."),
    "link": ("sharing.sharing", "Create a public link to read, edit or send files."),
    "links": ("sharing.sharing", "List the public links to a file or folder."),
    "unlink": ("sharing.sharing", "Revoke public links."),
    "sync": ("sync.app", "Sync a folder with the account's files, both ways."),
    "watch": ("files.watch", "Show changes as they happen, until Ctrl-C."),
    "follow": ("sharing.following", "Follow changes of a file or folder; without a path, list what you follow."),
    "unfollow": ("sharing.following", "Stop following a file or folder."),
    "api": ("server.api", "Call the API and print the JSON response."),
    "doctor": ("server.doctor", "Check server, certificate, clock, log-in and object store."),
}
"""By name: the module with its function, or with an `app` of sub-commands; the help text."""


PROFILE_HELP = "Log-in to use, by default DOCSTORE_PROFILE."

SERVER_MODULES = frozenset(
    (
        "aiokafka",
        "boto3",
        "docstore_contents",
        "docstore_events",
        "docstore_platform",
        "docstore_standalone",
        "docx",
        "duckdb",
        "PIL",
        "psutil",
        "reportlab",
        "segno",
    )
)
"""What `docstore[server]` installs besides the client part."""


class LazyGroup(core.TyperGroup):
    """Imports a command's module only when the command is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = _imported(cmd_name)
        found = getattr(module, "app", None)
        if found is None:
            found = typer.Typer(rich_markup_mode=None, add_completion=False)
            found.command(cmd_name)(getattr(module, cmd_name.replace("-", "_")))
        command = typer.main.get_command(found)
        command.name = cmd_name
        _add_profile_option(command)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        items = [core.CompletionItem(name, help=COMMANDS[name][1]) for name in names]  # type: ignore[attr-defined]
        return items + super(core.TyperGroup, self).shell_complete(ctx, incomplete)


def _add_profile_option(command: Any) -> None:
    """Let `--profile` follow the name of a command, too, as in `docstore ls --profile work`."""
    for each in getattr(command, "commands", {}).values():
        _add_profile_option(each)
    if not hasattr(command, "commands"):
        command.params.insert(max(0, len(command.params) - 1), _profile_option())


def _profile_option() -> Any:
    """The option, for a command that does not know it."""
    taking = typer.Typer(add_completion=False)

    @taking.command()
    def takes(profile: Profile = None) -> None:
        del profile

    (option,) = (each for each in typer.main.get_command(taking).params if each.name == "profile")
    option.expose_value = False
    return option


def _choose_profile(name: str | None) -> None:
    """Use a profile for this process; check the one of the environment."""
    from docstore_cli.sessions import profiles  # imported here, so that other commands start faster

    try:
        if name is None:
            profiles.chosen_profile()
        else:
            profiles.choose(name)
    except profiles.BadProfile as error:
        raise typer.BadParameter(str(error)) from None


def _imported(command: str) -> ModuleType:
    """Import a command's module; exit if it runs a server and only the client part is installed."""
    try:
        return import_module(f"docstore_cli.commands.{COMMANDS[command][0]}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in SERVER_MODULES:
            raise
        typer.echo(f"error: `docstore {command}` needs the server part: pip install 'docstore[server]'", err=True)
        raise typer.Exit(1) from None


app = typer.Typer(
    name="docstore", cls=LazyGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_show_locals=False
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version  # imported here, so that other commands start faster

        typer.echo(f"docstore {version('docstore')}")
        raise typer.Exit


Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help=PROFILE_HELP, is_eager=True, callback=_choose_profile),
]


@app.callback()
def docstore(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
    profile: Profile = None,
) -> None:
    """Store, sync, search and share files; run and inspect a DocStore on this machine."""
    del profile


def main() -> None:
    """Entry point of the command."""
    # Most objects live until the command ends: garbage collection took a tenth of a large sync.
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
    finally:
        gc.freeze()  # skip garbage collection at exit, too
