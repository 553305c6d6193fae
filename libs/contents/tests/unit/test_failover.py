"""Reads move to the replica when the home store stays away, and back when it stays there."""

import pytest

from docstore_contents.s3.failover import PROBES_TO_SWITCH, Switch, replica_config
from docstore_platform.settings import InfraSettings


def test_reads_move_after_several_failed_probes_and_back_after_several_good_ones() -> None:
    """One lost probe, or one that succeeds in an outage, moves no one."""
    switch = Switch()
    for _ in range(3):
        assert not switch.record(home=False, replica=True)
        assert not switch.record(home=True, replica=True)
    moved = [switch.record(home=False, replica=True) for _ in range(PROBES_TO_SWITCH)]
    assert (moved, switch.on_replica) == ([False] * (PROBES_TO_SWITCH - 1) + [True], True)
    assert not switch.record(home=True, replica=True)
    assert not switch.record(home=False, replica=False)
    moved = [switch.record(home=True, replica=False) for _ in range(PROBES_TO_SWITCH)]
    assert (moved[-1], switch.on_replica) == (True, False)


def test_an_unreachable_replica_is_not_used() -> None:
    """Then the home store's own errors are the honest answer."""
    switch = Switch()
    assert not any(switch.record(home=False, replica=False) for _ in range(10))


def test_the_replica_has_an_address_and_keys_of_its_own() -> None:
    """Or those of the home store; without an endpoint there is none."""
    assert replica_config(InfraSettings()) is None
    settings = {"s3_access_key_id": "home", "s3_secret_access_key": "home", "s3_replica_region": "eu-north-1"}
    there = {"s3_replica_endpoint": "https://s3.eu", "s3_replica_bucket": "copies"}
    config = replica_config(InfraSettings(**settings, **there))
    assert config is not None
    assert (config.public_endpoint, config.bucket, config.region) == ("https://s3.eu", "copies", "eu-north-1")
    assert (config.access_key_id, config.cdn) == ("home", None)
    there |= {"s3_replica_access_key_id": "b", "s3_replica_secret_access_key": "c"}
    own = replica_config(InfraSettings(**settings, **there))
    assert own is not None
    assert (own.access_key_id, own.secret_access_key) == ("b", "c")
    with pytest.raises(ValueError, match="s3_replica_bucket"):
        InfraSettings(s3_replica_endpoint="https://s3.eu")
