"""`docstore sync`."""

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from docstore_cli.commands.sync import control
from docstore_cli.commands.sync.notices import SyncNotices
from docstore_cli.failures import FAILED
from docstore_cli.options import AsJson, errors, failed, print_json, print_json_line, shown
from docstore_cli.sessions.session import OPTIONS, as_person
from docstore_cli.sessions.this_machine import host_name
from docstore_cli.transfers.options import BandwidthLimit, DryRun, Exclude, Include, limited
from docstore_client import AsyncClient
from docstore_sync.engine import ConfirmationRequired, Engine, FolderMissing, Paused, Progress, Result, engine
from docstore_sync.model import Action, ActionType, Plan
from docstore_sync.selection import BadPattern, Selection
from docstore_sync.state import OtherAccount
from docstore_sync.state_folder import FolderInUse
from docstore_sync.status import was_synced

Folder = Annotated[Path, typer.Argument(help="Folder to sync. The first sync links it to the account.")]
Once = Annotated[bool, typer.Option("--once", help="Sync once; by default until Ctrl-C.")]
Folders = Annotated[
    list[str] | None,
    typer.Option("--folder", metavar="PATH", help="Only this folder of the account, like /work/photos; repeatable."),
]
Status = Annotated[bool, typer.Option("--status", help="Show the state of the sync, as `docstore sync status` does.")]
Notifications = Annotated[
    bool, typer.Option("--notify/--no-notify", help="Show errors and conflicts as notifications on the desktop.")
]
Yes = Annotated[
    bool,
    typer.Option("--yes", help="Create the folder, delete most files, or sync a replaced folder without asking."),
]

QUIET = frozenset({ActionType.RECORD, ActionType.FORGET})


def sync(
    folder: Folder,
    once: Once = False,
    folders: Folders = None,
    include: Include = None,
    exclude: Exclude = None,
    bwlimit: BandwidthLimit = None,
    dry_run: DryRun = False,
    status: Status = False,
    yes: Yes = False,
    notifications: Notifications = True,
    as_json: AsJson = False,
) -> None:
    """Sync a folder with the account's files, both ways.

    If both sides change a file, both versions are kept: one is renamed with device and date. Symbolic links and
    paths that match .docstoreignore, as in .gitignore, are skipped. --folder, --include and --exclude are kept for the
    next runs; "" clears one. Excluded files are left alone on both sides. What is outside of the folders of --folder
    leaves the disk if it is unchanged, and stays on the server.
    """
    if status:
        control.status(folder, as_json=as_json)
        return
    options = limited(OPTIONS, bwlimit)
    chosen = Chosen(folders, include, exclude, yes)
    chosen.check()
    if not (dry_run or yes or folder.exists()):
        _confirm_new_folder(folder)
    try:
        if dry_run:
            _show_plan(as_person(lambda docstore: _planned(docstore, folder, chosen), options), as_json=as_json)
        elif once:
            _show_result(as_person(lambda docstore: _once(docstore, folder, chosen), options), as_json=as_json)
        else:
            notices = SyncNotices(str(folder)) if notifications else None
            with contextlib.suppress(KeyboardInterrupt):
                as_person(lambda docstore: _watch(docstore, folder, chosen, notices, as_json=as_json), options)
    except ConfirmationRequired as question:
        raise failed(f"{question}; use --yes to continue") from None
    except FolderInUse:
        raise failed(f"{folder} is being synced by another process") from None
    except Paused as error:
        raise failed(f"{error}; continue with `docstore sync resume {folder}`") from None
    except (OtherAccount, FolderMissing) as error:
        raise failed(str(error) or f"{folder} is linked to another account") from None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options choose. None: as the folder's settings have it."""

    folders: list[str] | None
    include: list[str] | None
    exclude: list[str] | None
    yes: bool

    def check(self) -> None:
        """Exit if an option is invalid."""
        try:
            self.applied(Selection())
        except BadPattern as error:
            raise typer.BadParameter(str(error)) from None

    def applied(self, selection: Selection) -> Selection:
        return selection.changed(self.folders, self.include, self.exclude)

    @contextlib.asynccontextmanager
    async def engine(
        self, folder: Path, docstore: AsyncClient, progress: Progress | None = None
    ) -> AsyncIterator[Engine]:
        """The folder's engine with this selection."""
        async with engine(folder, docstore, host_name(), confirmed=self.yes, progress=progress) as opened:
            opened.select(self.applied(opened.selection))
            yield opened


def _confirm_new_folder(folder: Path) -> None:
    """Ask before a mistyped name downloads the whole account. Scripts have no terminal and are not asked."""
    if not was_synced(folder) and _is_terminal():  # for a synced folder that is missing, the engine asks
        question = f"{folder} does not exist. Create it and download all files of the account?"
        typer.confirm(question, abort=True, err=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


async def _planned(docstore: AsyncClient, folder: Path, chosen: Chosen) -> Plan:
    async with chosen.engine(folder, docstore) as syncing:
        return await syncing.dry_run()


async def _once(docstore: AsyncClient, folder: Path, chosen: Chosen) -> Result:
    with _showing() as progress:
        async with chosen.engine(folder, docstore, progress) as syncing:
            return await syncing.sync()


async def _watch(
    docstore: AsyncClient, folder: Path, chosen: Chosen, notices: SyncNotices | None, *, as_json: bool
) -> None:
    def done(action: Action) -> None:
        if action.do in QUIET:
            return
        if as_json:
            print_json_line({"do": action.do, "path": path_of(action)})
        else:
            typer.echo(f"{action.do:17} {shown(path_of(action))}")

    def rested(result: Result) -> None:
        if notices:
            notices.rested(result)
        for failure in result.failures:
            errors.print(shown(failure), soft_wrap=True, highlight=False, markup=False)

    def offline(reason: str) -> None:
        errors.print(f"{reason}; trying again", soft_wrap=True, highlight=False, markup=False)

    progress = Progress(done=done, rested=rested, offline=offline)
    async with chosen.engine(folder, docstore, progress) as syncing:
        await syncing.watch()


def path_of(action: Action) -> str:
    """Current or planned path."""
    node = action.node
    if action.parent is not None:
        above = action.parent.path("goal")
        return f"{above}/{action.name}" if above else action.name
    return node.path("local") or node.path("remote")


@contextlib.contextmanager
def _showing() -> Iterator[Progress]:
    """Show finished and planned steps if stderr is a terminal."""
    if not errors.is_terminal:
        yield Progress()
        return
    from rich import progress as bars  # slow import, only needed on a terminal

    columns = (bars.TextColumn("syncing"), bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("syncing", total=None)
        yield Progress(
            planned=lambda plan: bar.reset(task, total=len(plan.actions)), done=lambda _: bar.advance(task, 1)
        )


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    steps = [{"do": action.do.value, "path": path_of(action)} for action in plan.actions if action.do not in QUIET]
    aside = [{"path": aside.path, "reason": aside.reason} for aside in plan.skipped]
    if as_json:
        print_json({"steps": steps, "aside": aside, "question": plan.question or None})
        return
    for step in steps:
        typer.echo(f"{step['do']:17} {shown(step['path'])}")
    for each in aside:
        typer.echo(f"skipped           {shown(each['path'])}: {each['reason']}")
    if plan.question:
        typer.echo(f"needs --yes: {plan.question}")


def _show_result(result: Result, *, as_json: bool) -> None:
    counts: dict[str, Any] = {}
    for action in result.actions:
        if action.do not in QUIET:
            counts[action.do.value] = counts.get(action.do.value, 0) + 1
    if as_json:
        print_json({"in_sync": result.in_sync, "steps": counts, "failed": result.failures, "aside": result.skipped})
    else:
        done = ", ".join(f"{do}: {count}" for do, count in counts.items()) or "nothing to do"
        typer.echo(f"{'in sync' if result.in_sync else 'not in sync'} ({done})")
        for each in result.skipped:
            errors.print(f"skipped: {shown(each)}", soft_wrap=True, highlight=False, markup=False)
        for each in result.failures:
            errors.print(f"failed: {shown(each)}", soft_wrap=True, highlight=False, markup=False)
    if not result.in_sync:
        raise typer.Exit(FAILED)
