"""How far transfers are: a bar on stderr if that is a terminal, else nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from docstore_cli.options import errors
from docstore_client.sources import Progress


@contextmanager
def showing(what: str, total: int) -> Iterator[Progress]:
    """To be told of bytes that were moved, out of `total`."""
    if not errors.is_terminal or not total:
        yield lambda _: None
        return
    from rich import progress as bars  # costs time that is better spent where there is a terminal

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
