"""Shows the start of a stack's components."""

from rich.console import Console
from rich.live import Live
from rich.table import Table

from docstore_standalone.supervision.supervisor import ComponentState

SIGNS = {
    ComponentState.WAITING: "[dim]·[/]",
    ComponentState.STARTING: "[yellow]…[/]",
    ComponentState.READY: "[green]✓[/]",
    ComponentState.RESTARTING: "[yellow]↻[/]",
    ComponentState.STOPPING: "[dim]…[/]",
    ComponentState.STOPPED: "[dim]·[/]",
    ComponentState.FAILED: "[red]✗[/]",
}


class StartDisplay:
    """A live list on a terminal, else one line per change. Silent once everything has started."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._states: dict[str, ComponentState] = {}
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

    def on_change(self, component: str, state: ComponentState) -> None:
        before = self._states.get(component)
        self._states[component] = state
        if self._live is not None:
            self._live.update(self._table())
        elif state is ComponentState.RESTARTING or (
            state is ComponentState.READY and before is ComponentState.RESTARTING
        ):
            self._console.print(f"{component}: {state.value}")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for component, state in self._states.items():
            table.add_row(SIGNS[state], component, f"[dim]{state.value}[/]")
        return table
