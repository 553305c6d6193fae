"""The capacity model: its tables are those of docs/scale.md, and it says so when more machines do not help."""

import tomllib
from typing import Any

import capacity
import pytest

INPUTS: dict[str, Any] = tomllib.loads(capacity.INPUTS.read_text("utf-8"))


def test_the_document_has_the_tables_of_the_committed_inputs() -> None:
    """An account that changes an input or the model sees what follows in the document."""
    assert capacity.TARGET.read_text("utf-8") == capacity.document(), "run: make generate"


def test_requests_and_bytes_grow_with_accounts_and_cost_per_account_does_not() -> None:
    """Nothing in the model is counted for each pair of accounts."""
    small, large = (capacity.Size(accounts, INPUTS) for accounts in (1_000_000, 10_000_000))
    assert large.rate("changes") == pytest.approx(10 * small.rate("changes"))
    assert large.metadata_bytes == pytest.approx(10 * small.metadata_bytes)
    costs = [sum(capacity._costs(size).values()) / size.accounts for size in (small, large)]
    assert costs[1] == pytest.approx(costs[0], rel=0.1)


def test_more_shards_do_not_help_once_each_is_busy_with_the_accounts_of_the_others() -> None:
    """While ids do not name the owner, a number of accounts exists that no number of shards serves."""
    assert capacity.Size(10_000, INPUTS).shards == 1
    most = max(accounts for accounts in range(1_000_000, 100_000_000, 1_000_000) if _shards(accounts) is not None)
    assert _shards(most + 1_000_000) is None
    by_owner = {**INPUTS, "cpu": {**INPUTS["cpu"], "lookup": 0}}
    assert capacity.Size(most + 1_000_000, by_owner).shards is not None


def _shards(accounts: int) -> int | None:
    return capacity.Size(accounts, INPUTS).shards
