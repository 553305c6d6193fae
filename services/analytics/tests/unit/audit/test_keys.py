"""The audit log's key is changed, and what was written before still verifies."""

import pytest
from analytics_events import AT

from docstore_analytics.audit.keys import chain_keys
from docstore_analytics.audit.rules import BEGINNING, NO_HEAD, Chain, Entry
from docstore_analytics.settings import AnalyticsSettings
from docstore_platform.settings import InfraSettings

ENTRY = Entry(AT, "call", "GET /v1/files", "ann", "file", 200, "203.0.113.7", "session", "request", "/v1/files/f")


def chain_of(audit_key: str = "", shared: str = "") -> Chain:
    infra = InfraSettings(internal_secret=shared)
    return Chain(*chain_keys(AnalyticsSettings(infra=infra, audit_key=audit_key)))


@pytest.mark.parametrize("before", [{"audit_key": "first"}, {"shared": "first"}], ids=["own key", "shared secret"])
def test_a_chain_goes_on_under_a_new_key(before: dict[str, str]) -> None:
    """Begun by a key of its own or by the former shared secret; without that one, its entries are not ours."""
    begun = chain_of(**before)
    old = begun.append([ENTRY], NO_HEAD)
    now, without = chain_of("second,first"), chain_of("second")
    new = now.append([ENTRY], begun.head(old[-1]))
    for reader in (now, chain_of("second", shared="first")) if "shared" in before else (now,):
        assert begun.head(old[-1]).key in reader.fingerprints
        assert reader.check(old[0], 1, BEGINNING) is None
        assert reader.check(new[0], 2, old[0].signature) is None
        assert reader.check_head(now.head(new[0]), 2, new[0].signature) is None
    assert without.check(old[0], 1, BEGINNING) is not None
    assert without.check(new[0], 2, old[0].signature) is None
