"""What the backup commands have in common: places of backups, failures, progress."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from docstore_cli.options import errors, failed, size_text
from docstore_standalone.backup.failures import FAILURES
from docstore_standalone.backup.progress import Phase, Progress, Step

T = TypeVar("T")

PHASES: dict[Phase, str] = {
    "databases": "reading databases",
    "contents": "copying contents",
    "check": "reading contents",
    "restore contents": "restoring contents",
    "restore databases": "restoring databases",
}

Source = Annotated[str, typer.Argument(help="Folder of backups, or s3://BUCKET/PREFIX.")]
Name = Annotated[str | None, typer.Option("--name", help="Name of the backup; by default the newest.")]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint", help="Address of an S3 store that is not AWS.", show_default=False)
]


def run_backup(work: Coroutine[Any, Any, T]) -> T:
    """Run it; exit with the reason if it fails."""
    try:
        return asyncio.run(work)
    except FAILURES as error:
        raise failed(str(error)) from None


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Show progress bars if stderr is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[moved]}"))
    with Bars(*columns, TimeElapsedColumn(), console=errors, disable=not errors.is_terminal) as bars:
        tasks = {phase: bars.add_task(text, total=None, visible=False, moved="") for phase, text in PHASES.items()}

        def on_step(step: Step) -> None:
            moved = size_text(step.bytes) if step.bytes else ""
            bars.update(tasks[step.phase], completed=step.done, total=step.total or None, moved=moved, visible=True)

        yield on_step
