"""The `docstore` command."""

import typer

from docstore_cli import account_commands, demo_command, events_commands, stack_commands

app = typer.Typer(
    name="docstore",
    help="Keep, sync, search and share files: a whole DocStore on this machine, and the tools to look into it.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command("up")(stack_commands.up)
app.command("down")(stack_commands.down)
app.command("status")(stack_commands.status)
app.command("mail")(stack_commands.mail)
app.command("demo")(demo_command.demo)
app.command("login")(account_commands.login)
app.command("logout")(account_commands.logout)
app.command("usage")(account_commands.usage)
app.add_typer(events_commands.app, name="events")
