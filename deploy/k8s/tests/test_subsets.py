"""Any subset of the services can be installed."""

import sys
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from docstore_platform.services import SERVICE_NAMES

sys.path.insert(0, str(Path(__file__).parent))
from chart import Object, by_service, component, of_kind, render
from test_notes import notes

SUBSETS = [
    *(tuple(name for name in SERVICE_NAMES if name != left_out) for left_out in SERVICE_NAMES),
    ("accounts", "metadata", "upload", "gateway"),
    ("quota",),
]
subsets = pytest.mark.parametrize("subset", SUBSETS, ids="+".join)


def only(subset: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments by which the others are not installed."""
    others = (f"services.{name}.enabled=false" for name in SERVICE_NAMES if name not in subset)
    return ("--set", ",".join(others))


def text_of(objects: tuple[Object, ...]) -> str:
    """All text of the objects."""
    return yaml.safe_dump(list(objects))


@subsets
def test_only_the_enabled_services_are_rendered(subset: tuple[str, ...]) -> None:
    """Every kind of object is there for each of them, and none for another."""
    objects = render(*only(subset))
    for kind in ("Deployment", "Service", "ServiceAccount"):
        assert set(by_service(objects, kind)) == set(subset)
    assert {component(each) for each in objects} <= {*subset, "settings", "provision-topics", "test"}
    assert bool(of_kind(objects, "Ingress")) == ("gateway" in subset)


@subsets
def test_nothing_refers_to_a_service_that_is_left_out(subset: tuple[str, ...]) -> None:
    """No URL, no secret, no network policy that lets it in or reaches it."""
    text = text_of(render(*only(subset)))
    for name in set(SERVICE_NAMES) - set(subset):
        assert f"files-{name}" not in text
        assert f"docstore-{name}" not in text
        assert f"component: {name}" not in text
        assert f"DOCSTORE_{name.upper()}_URL" not in text


@subsets
def test_no_policy_allows_every_principal(subset: tuple[str, ...]) -> None:
    """A rule without peers would: who has no caller has no rule for calls."""
    for policy in of_kind(render(*only(subset)), "NetworkPolicy"):
        assert all(rule["from"] for rule in policy["spec"]["ingress"])


@subsets
def test_a_subset_renders_its_parts_unchanged(subset: tuple[str, ...]) -> None:
    """The pods of the others differ only by their settings."""
    whole, part = (by_service(render(*values), "Deployment") for values in ((), only(subset)))
    for name in subset:
        assert without_checksum(part[name]) == without_checksum(whole[name])


def without_checksum(deployment: Object) -> Object:
    copied = deepcopy(deployment)
    del copied["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
    return copied


def test_values_of_a_service_that_is_left_out_are_not_checked() -> None:
    """Two instances on one volume are refused only where they would run."""
    render("--set", "services.indexer.enabled=false,services.indexer.replicas=2")


def test_services_can_be_chosen_by_name() -> None:
    """None by default, and those that are wanted."""
    objects = render("--set", "defaults.enabled=false,services.quota.enabled=true")
    assert set(by_service(objects, "Deployment")) == {"quota"}


def test_the_notes_do_not_ask_for_what_is_left_out(tmp_path: Path) -> None:
    """Neither for its secret nor for its settings."""
    text = notes(tmp_path, *only(("quota", "metadata")))
    assert "docstore-quota" in text
    for name in ("gateway", "accounts", "notify", "media"):
        assert name not in text


def test_without_any_service_topics_and_backups_are_installed() -> None:
    """A restore needs both before the services start."""
    objects = render("--set", "defaults.enabled=false,backup.target=s3://backups")
    assert {each["kind"] for each in objects} >= {"CronJob", "Job"}
    assert of_kind(objects, "Deployment") == []
    (job,) = of_kind(objects, "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("docstore-accounts:")
