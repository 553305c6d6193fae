"""The pod of `helm test`."""

import http.server
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from docstore_platform.services import SERVICE_NAMES

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, by_service, of_kind, pods, render
from test_network import components
from test_subsets import only

sets = pytest.mark.parametrize("values", SETS.values(), ids=SETS)


@sets
def test_it_asks_every_service_where_its_probe_asks(values: tuple[str, ...]) -> None:
    """By the Services' names, so that names and endpoints are tested too."""
    objects = render(*values)
    (pod,) = of_kind(objects, "Pod")
    annotations = pod["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "test"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation"  # or `--logs` would not find it
    _, _, _, *urls = pod["spec"]["containers"][0]["command"]
    probes = {
        f"http://{service['metadata']['name']}:8000{container['readinessProbe']['httpGet']['path']}"
        for name, service in by_service(objects, "Service").items()
        if name in SERVICE_NAMES
        for container in pods(objects)[name]["containers"]
    }
    assert set(urls) == probes


def test_only_what_is_installed_is_asked() -> None:
    """A subset passes."""
    objects = render(*only(("quota", "metadata")))
    assert len(pods(objects)["test"]["containers"][0]["command"]) == 3 + 2
    assert pods(objects)["test"]["containers"][0]["image"].startswith("docstore-metadata:")


def test_the_policies_let_it_through() -> None:
    """Out to each service, in at each."""
    policies = by_service(render(), "NetworkPolicy")
    out = {name for rule in policies["test"]["spec"]["egress"] for name in components(rule.get("to", []))}
    assert out == set(SERVICE_NAMES)
    for service in SERVICE_NAMES:
        assert any("test" in components(rule["from"]) for rule in policies[service]["spec"]["ingress"])


def test_it_fails_where_one_is_not_ready() -> None:
    """The program itself, against servers that are ready and not; it names the one that is not."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ready" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    program = pods(render())["test"]["containers"][0]["command"][2].replace("WAIT_SECONDS = 60", "WAIT_SECONDS = 0")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = [
            subprocess.run([sys.executable, "-c", program, *urls], capture_output=True, text=True, check=False)
            for urls in ([f"{url}/ready"], [f"{url}/ready", f"{url}/not"])
        ]
        server.shutdown()
    assert [each.returncode for each in done] == [0, 1]
    assert f"{url}/not HTTP Error 503" in done[1].stdout
