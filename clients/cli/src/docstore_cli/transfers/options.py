"""Options of the commands that transfer files: filters, limits and dry runs."""

from dataclasses import dataclass, replace
from typing import Annotated

import typer

from docstore_cli.sessions.session import OPTIONS
from docstore_cli.transfers.local_tree import EVERYTHING
from docstore_client.network.options import Options
from docstore_sync.selection import BadPattern, Filters

UNITS = {"": 1 << 10, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
"""As rclone has them: without a unit, KiB a second."""

Include = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="PATTERN", help="Only files that match, as in .gitignore; repeatable."),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PATTERN", help="No files and folders that match; repeatable."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")]
BandwidthLimit = Annotated[
    str | None,
    typer.Option("--bwlimit", metavar="RATE", help="Bytes a second, like 1M or 512K; UP:DOWN, like 512K:off."),
]


@dataclass(frozen=True, slots=True)
class How:
    """What is transferred. `force`: also what is there already; `dry_run`: only plan."""

    force: bool = False
    filters: Filters = EVERYTHING
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """Options of `put` and `get`, as they were given."""

    include: Include = None
    exclude: Exclude = None
    dry_run: DryRun = False
    bwlimit: BandwidthLimit = None

    def how(self, *, force: bool) -> How:
        return How(force, filters(self.include, self.exclude), self.dry_run)

    @property
    def connection(self) -> Options:
        return limited(OPTIONS, self.bwlimit)


def filters(include: list[str] | None, exclude: list[str] | None) -> Filters:
    try:
        return Filters(tuple(include or ()), tuple(exclude or ()))
    except BadPattern as error:
        raise typer.BadParameter(str(error), param_hint="--include, --exclude") from None


def limited(options: Options, limit: str | None) -> Options:
    """Add a limit to options: one rate for both directions, or one for each."""
    if limit is None:
        return options
    up, _, down = limit.partition(":")
    return replace(options, upload_limit=_rate(up, limit), download_limit=_rate(down or up, limit))


def _rate(text: str, limit: str) -> int | None:
    """Bytes a second; None: no limit."""
    if text.casefold() == "off":
        return None
    number, unit = text.rstrip("bBkKmMgG"), text.lstrip("0123456789.").upper()
    try:
        rate = int(float(number) * UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        rate = 0
    if rate <= 0:
        raise typer.BadParameter(f"{limit!r}: give a rate like 1M, 512K or off", param_hint="--bwlimit")
    return rate
