"""The ways in: an Ingress or an HTTPRoute, to the gateway alone."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, Refused, of_kind, render


def test_an_http_route_leads_to_the_gateway() -> None:
    """Under the host name of the public address, and without an end for event streams; no Ingress then."""
    objects = render(*SETS["operators' objects"])
    (route,) = of_kind(objects, "HTTPRoute")
    assert not of_kind(objects, "Ingress")
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["spec"]["parentRefs"] == [{"name": "public"}]
    assert route["spec"]["hostnames"] == ["files.example.org"]
    (rule,) = route["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "files-gateway", "port": 8000}]
    assert rule["timeouts"] == {"request": "0s"}
    assert {"files-gateway"} < {each["metadata"]["name"] for each in of_kind(objects, "Service")}


def test_both_can_be_there() -> None:
    """While one replaces the other."""
    objects = render("--set", "httpRoute.enabled=true,httpRoute.parentRefs[0].name=public")
    assert of_kind(objects, "HTTPRoute")
    assert of_kind(objects, "Ingress")


def test_a_route_without_a_gateway_to_take_it_is_refused() -> None:
    """It would be accepted by the cluster and lead nowhere."""
    with pytest.raises(Refused, match=r"httpRoute\.parentRefs"):
        render("--set", "httpRoute.enabled=true")


def test_no_controller_is_assumed() -> None:
    """The cluster's default class by default; a class of ingress-nginx gets its timeouts, and the values' win."""
    (plain,) = of_kind(render(), "Ingress")
    assert "ingressClassName" not in plain["spec"]
    assert "annotations" not in plain["metadata"]
    own = r"ingress.annotations.nginx\.ingress\.kubernetes\.io/proxy-body-size=64m"
    (nginx,) = of_kind(render("--set", f"ingress.className=nginx,{own}"), "Ingress")
    assert nginx["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/proxy-body-size": "64m",
        "nginx.ingress.kubernetes.io/proxy-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "90",
        "nginx.ingress.kubernetes.io/proxy-request-buffering": "off",
    }


def test_uploads_by_webdav_pass_an_ingress_of_nginx() -> None:
    """A file is one body of any size: it is neither refused nor collected on the controller's disk."""
    (ingress,) = of_kind(render("--set", "ingress.className=nginx"), "Ingress")
    annotations = ingress["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"
    assert annotations["nginx.ingress.kubernetes.io/proxy-request-buffering"] == "off"
