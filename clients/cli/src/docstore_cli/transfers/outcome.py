"""The outcome of a command that transfers files: what was done, what is planned, and failures."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import typer

from docstore_cli.failures import Failures
from docstore_cli.options import print_json, shown


@dataclass(slots=True)
class Outcome:
    """`done`: files as the command's JSON has them; `planned`: targets of a dry run."""

    DONE: ClassVar[str]
    """How the command names what it has done: sent or fetched."""
    PLANNED: ClassVar[str]
    """The same of one to be done: send or fetch."""

    done: list[Any] = field(default_factory=list)
    planned: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failures: Failures = field(default_factory=Failures)

    def summary(self) -> str:
        return f"{len(self.done)} {self.DONE}"

    def show(self, *, dry_run: bool, as_json: bool) -> None:
        """Print what was done, or is to be done; end with the exit code of failures."""
        if as_json:
            planned = {"planned": self.planned} if self.planned else {}
            done = {self.DONE: self.done, **planned, "unchanged": self.unchanged, "failed": self.failures.items}
            print_json(done)
        elif dry_run:
            for target in self.planned:
                typer.echo(f"{self.PLANNED} {shown(target)}")
            typer.echo(f"{len(self.planned)} to be {self.DONE}, {len(self.unchanged)} unchanged")
        else:
            typer.echo(f"{self.summary()}, {len(self.unchanged)} unchanged")
        self.failures.end()
