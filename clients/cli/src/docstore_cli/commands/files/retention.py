"""`docstore retention`."""

from typing import Annotated

import typer

from docstore_cli.failures import BadUsage
from docstore_cli.options import AsJson, print_json, time_text
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient
from docstore_client.models import Policy, Retention

NEVER = "never"
DAYS = f"How many days, or `{NEVER}`."

TrashDays = Annotated[str | None, typer.Option("--trash-days", help=f"When trashed files are deleted forever. {DAYS}")]
Versions = Annotated[int | None, typer.Option("--versions", help="Number of versions to keep per file.")]
VersionDays = Annotated[str | None, typer.Option("--version-days", help=f"When old versions are deleted. {DAYS}")]
Default = Annotated[bool, typer.Option("--default", help="Reset to the server's defaults.")]


def retention(
    trash_days: TrashDays = None,
    versions: Versions = None,
    version_days: VersionDays = None,
    default: Default = False,
    as_json: AsJson = False,
) -> None:
    """Show or change how long the trash and old versions are kept.

    Other settings stay unchanged. A change takes effect after a delay and can be reverted until then.
    """
    named = (trash_days, versions, version_days)
    chooses = any(value is not None for value in named)

    async def work(docstore: AsyncClient) -> Retention:
        if default:
            if chooses:
                raise BadUsage("--default can't be combined with other options")
            return await docstore.set_retention(None)
        now = await docstore.retention()
        if not chooses:
            return now
        policy = Policy(
            trash_days=_days(trash_days, now.trash_days),
            versions=now.versions if versions is None else versions,
            version_days=_days(version_days, now.version_days),
        )
        return await docstore.set_retention(policy)

    kept = as_person(work)
    if as_json:
        print_json(kept)
        return
    trash = "never" if kept.trash_days is None else f"after {kept.trash_days} days"
    old = "never" if kept.version_days is None else f"{kept.version_days} days after their replacement"
    typer.echo(f"Trashed files are deleted: {trash}.")
    typer.echo(f"Versions kept per file: {kept.versions}. Old versions are deleted: {old}.")
    if kept.applies_at is not None:
        typer.echo(f"Takes effect {time_text(kept.applies_at)}.")


def _days(text: str | None, before: int | None) -> int | None:
    """Parse a number of days; `before` if none is given."""
    if text is None:
        return before
    if text == NEVER:
        return None
    if not text.isdecimal():
        raise BadUsage(f"{text}: days are a number, or `{NEVER}`")
    return int(text)
