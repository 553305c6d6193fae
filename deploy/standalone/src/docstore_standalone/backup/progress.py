"""What a backup or restore is at, for displays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["databases", "contents", "check", "restore databases", "restore contents"]


@dataclass(frozen=True, slots=True)
class Step:
    """Of a phase, `done` of `total` (documents of unknown number: 0), and `bytes` that were really moved."""

    phase: Phase
    done: int
    total: int = 0
    bytes: int = 0


Progress = Callable[[Step], None]


def silent(_: Step) -> None:
    """Nobody watches."""
