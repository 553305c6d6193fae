"""Progress bar of transfers, if stderr is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from docstore_cli.options import errors
from docstore_client.sources import Progress


@contextmanager
def showing(what: str, total: int) -> Iterator[Progress]:
    """Yield a callback for the number of bytes transferred, out of `total`."""
    if not errors.is_terminal or not total:
        yield lambda _: None
        return
    from rich import progress as bars  # slow import, only needed on a terminal

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.DownloadColumn(binary_units=True),
        bars.TransferSpeedColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda moved: progress.advance(task, moved)
