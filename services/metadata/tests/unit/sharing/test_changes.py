"""Changes of many shares, on fakes."""

import pytest
from metadata_fakes import Desk

from docstore_events.transaction import Transaction
from docstore_metadata.sharing import changes


async def test_the_shares_of_before_a_moment_end_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With people and with addresses without an account; those made later stay."""
    monkeypatch.setattr(changes, "AT_ONCE", 2)
    desk.sign_up("ann", "bob")
    early = [await desk.share(f"/{name}", f"{name}@example.com") for name in ("bob", "nobody", "eve")]
    desk.clock.pass_time(seconds=1)
    moment = desk.clock()
    later = await desk.share("/later", "bob@example.com")
    transaction = Transaction(None, "metadata", "")
    more = [await changes.end_shares_of(desk.store, desk.tree, "ann", moment, transaction) for _ in range(2)]
    assert more == [True, False]
    assert list(desk.fakes.shares.by_id) == [later.id]
    assert desk.fakes.nodes.by_id[early[0].node_id].shared_with == {}
    published = [dict(row["headers"])["ce_type"] for row in transaction.rows]
    assert published.count(b"share-revoked") == 3
