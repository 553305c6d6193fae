"""Progress of a backup or restore, for displays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["databases", "contents", "check", "restore databases", "restore contents"]


@dataclass(frozen=True, slots=True)
class Step:
    """Progress of a phase: `done` of `total` (documents of unknown number: 0), and `bytes` actually moved."""

    phase: Phase
    done: int
    total: int = 0
    bytes: int = 0


Progress = Callable[[Step], None]


def silent(_: Step) -> None:
    """Ignore progress."""
