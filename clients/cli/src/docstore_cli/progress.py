"""Shows the start of a stack's components."""

from rich.console import Console
from rich.live import Live
from rich.table import Table

from docstore_standalone.supervisor import PartState

SIGNS = {
    PartState.WAITING: "[dim]·[/]",
    PartState.STARTING: "[yellow]…[/]",
    PartState.READY: "[green]✓[/]",
    PartState.RESTARTING: "[yellow]↻[/]",
    PartState.STOPPING: "[dim]…[/]",
    PartState.STOPPED: "[dim]·[/]",
    PartState.FAILED: "[red]✗[/]",
}


class StartDisplay:
    """A live list on a terminal, else one line per change. Silent once everything has started."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._states: dict[str, PartState] = {}
        self._live: Live | None = None

    def __enter__(self) -> "StartDisplay":
        if self._console.is_terminal:
            self._live = Live(self._table(), console=self._console, transient=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def on_change(self, part: str, state: PartState) -> None:
        before = self._states.get(part)
        self._states[part] = state
        if self._live is not None:
            self._live.update(self._table())
        elif state is PartState.RESTARTING or (state is PartState.READY and before is PartState.RESTARTING):
            self._console.print(f"{part}: {state.value}")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for part, state in self._states.items():
            table.add_row(SIGNS[state], part, f"[dim]{state.value}[/]")
        return table
