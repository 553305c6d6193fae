"""What a saved search is. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_SEARCHES = 100
"""Of an account."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that an account keeps under a name of its own; `filters` are parameters of the search route in JSON."""

    id: str
    account_id: str
    name: str
    q: str
    filters: Mapping[str, Any]
    created_at: datetime
    modified_at: datetime
