"""Network policies let through exactly the calls that the sources make."""

import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from source_reading import callees, reaches_object_store, uses_object_store

from docstore_platform.services import SERVICE_NAMES, needs_of

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, by_service, of_kind, pod_templates, render

POLICIES = by_service(render(), "NetworkPolicy")
EXPECTED = {(service, callee) for service in SERVICE_NAMES for callee in callees(service)}


def components(peers: list[Any]) -> set[str]:
    labels = (peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer)
    return {label["app.kubernetes.io/component"] for label in labels}


def test_the_sources_are_understood() -> None:
    """The gateway calls everyone; no one calls the gateway."""
    assert {callee for caller, callee in EXPECTED if caller == "gateway"} == set(SERVICE_NAMES) - {"gateway"}
    assert ("upload", "metadata") in EXPECTED
    assert "gateway" not in {callee for _, callee in EXPECTED}


def test_services_let_in_those_who_call_them() -> None:
    """No caller is forgotten, none is let in that has no reason."""
    let_in = {
        (caller, service)
        for service, policy in POLICIES.items()
        for rule in policy["spec"]["ingress"]
        for caller in components(rule["from"])
    }
    assert let_in == EXPECTED | {("test", service) for service in SERVICE_NAMES}


def test_services_get_out_to_those_whom_they_call() -> None:
    """The same from the other side."""
    let_out = {
        (service, callee)
        for service, policy in POLICIES.items()
        if service != "test"
        for rule in policy["spec"]["egress"]
        for callee in components(rule.get("to", []))
    }
    assert let_out == EXPECTED


def test_metrics_are_read_at_a_port_closed_to_other_clients() -> None:
    """Prometheus reaches the operators' port and no other; no Service and no Ingress leads to it."""
    for service in SERVICE_NAMES:
        by_port = {rule["ports"][0]["port"]: rule["from"] for rule in POLICIES[service]["spec"]["ingress"]}
        monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
        assert by_port["operations"] == [monitoring]
        assert monitoring not in by_port["http"]
    for service in of_kind(render(), "Service"):
        assert {port["name"] for port in service["spec"]["ports"]} == {"http"}


def test_only_the_gateway_is_reached_from_outside() -> None:
    """By the ingress controller, from any namespace unless it is named; all are reached by Prometheus."""
    any_namespace = {"namespaceSelector": {}}
    let_in = {
        name for name, policy in POLICIES.items() for rule in policy["spec"]["ingress"] if any_namespace in rule["from"]
    }
    assert let_in == {"gateway"}
    named = by_service(render("--set", "networkPolicies.ingressNamespace=ingress-nginx"), "NetworkPolicy")
    for service, policy in named.items():
        peers = [peer for rule in policy["spec"]["ingress"] for peer in rule["from"] if "namespaceSelector" in peer]
        namespaces = {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in peers}
        reached = {"monitoring"} | ({"ingress-nginx"} if service == "gateway" else set())
        assert namespaces == (reached if service in SERVICE_NAMES else set())


@pytest.mark.parametrize("values", SETS.values(), ids=SETS)
def test_everything_that_runs_has_a_policy_for_both_ways(values: tuple[str, ...]) -> None:
    """Or there are none at all."""
    objects = render(*values)
    policies = by_service(objects, "NetworkPolicy")
    running = pod_templates(objects)
    assert set(policies) in (set(running), set())
    for service, policy in policies.items():
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        labels = running[service]["metadata"]["labels"]
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


def ports(service: str) -> set[int]:
    return {p["port"] for rule in POLICIES[service]["spec"]["egress"] for p in rule["ports"] if p["port"] != "http"}


def test_only_those_who_reach_s3_or_the_internet_get_out_to_it() -> None:
    """443 is both by default; MongoDB and Kafka are everyone's, names too."""
    assert reaches_object_store("upload")
    for service in SERVICE_NAMES:
        outside = {443} if reaches_object_store(service) or needs_of(service).internet else set()
        assert ports(service) == {53, 27017, 9092} | outside
    assert ports("provision-topics") == {53, 9092}


def test_the_gateway_gets_out_to_s3_without_keys() -> None:
    """WebDAV and the tools for assistants read and write contents by signed URLs."""
    assert reaches_object_store("gateway")
    assert not uses_object_store("gateway")
    assert 443 in ports("gateway")


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.100.0.1", "fd00::1"]
)
def test_webhooks_do_not_reach_the_inner_network(address: str) -> None:
    """A second wall behind notify's own: what is not public is not reached on the internet's rule."""
    blocks = [
        peer["ipBlock"]
        for rule in POLICIES["notify"]["spec"]["egress"]
        for peer in rule.get("to", [])
        if "ipBlock" in peer
    ]
    assert blocks
    for block in blocks:
        if ip_address(address).version == ip_network(block["cidr"]).version:
            assert any(ip_address(address) in ip_network(each) for each in block["except"])
    assert not any(
        "to" not in rule and {"port": 443, "protocol": "TCP"} in rule["ports"]
        for rule in POLICIES["notify"]["spec"]["egress"]
    )


def test_collectors_and_further_servers_can_be_let_through() -> None:
    """Spans go out where a collector is named; a service's own rules are added to its policy alone."""
    values = (
        "--set",
        "telemetry.otlpEndpoint=http://collector:4318",
        "--set-json",
        'services.notify.egress=[{"ports":[{"port":587}]}]',
    )
    for policy in of_kind(render(*values), "NetworkPolicy"):
        rules = policy["spec"]["egress"]
        name = policy["metadata"]["labels"]["app.kubernetes.io/component"]
        assert any(rule["ports"][0]["port"] == 4318 for rule in rules) is (name in SERVICE_NAMES)
        assert any(rule["ports"][0]["port"] == 587 for rule in rules) is (name == "notify")
