"""What a consistency check has found. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Something that does not fit together; a repair leaves it as it is unless it is `repairable`."""

    kind: str
    id: str
    account_id: str
    detail: str
    repairable: bool = False
