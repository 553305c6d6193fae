"""What the chart and its examples set are settings that the services have."""

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import generate_kafka_acls
import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from source_reading import uses_object_store

from docstore_platform.service.serve import ListenSettings
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import InfraSettings
from docstore_standalone.service_secrets import write_service_files

sys.path.insert(0, str(Path(__file__).parent))
from chart import SETS, Refused, by_service, of_kind, pods, render

SECRETS = {
    "DOCSTORE_MONGO_URL": "mongodb://user:password@db/?replicaSet=rs0",
    "DOCSTORE_KAFKA_USERNAME": "user",
    "DOCSTORE_KAFKA_PASSWORD": "password",
    "ACCOUNTS_PEER_SECRET": "p" * 32,
    "ACCOUNTS_EMAIL_PEPPER": "e" * 32,
}
"""What the README has one put into secrets, besides the files of `docstore secrets new`."""

OF_LIBRARIES = {"SSL_CERT_FILE", "AWS_CA_BUNDLE"}

sets = pytest.mark.parametrize("values", SETS.values(), ids=SETS)


def settings_classes(service: str) -> list[type[BaseSettings]]:
    """A service's own settings."""
    module = importlib.import_module(f"docstore_{service}.settings")
    found = (member for _, member in inspect.getmembers(module, inspect.isclass))
    prefix = f"{service.upper()}_"
    return [kind for kind in found if issubclass(kind, BaseSettings) and kind.model_config.get("env_prefix") == prefix]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `docstore secrets new` writes: each file becomes a Secret."""
    folder = tmp_path_factory.mktemp("secrets") / "keys"
    write_service_files(folder)
    return folder


def written(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def fields(kind: type[BaseSettings]) -> dict[str, Any]:
    prefix = kind.model_config.get("env_prefix", "")
    return {f"{prefix}{name}".upper(): field.annotation for name, field in kind.model_fields.items()}


def known(service: str) -> dict[str, Any]:
    """Every variable a service reads, with its type."""
    every = {**fields(InfraSettings), **fields(ListenSettings)}
    for kind in settings_classes(service):
        every |= fields(kind)
    return every


def environment(objects: Any, service: str) -> dict[str, str]:
    """What a service's container is given, but for secrets and for what is not ours."""
    settings = by_service(objects, "ConfigMap")["settings"]
    container = pods(objects)[service]["containers"][0]
    own = {variable["name"]: variable["value"] for variable in container.get("env", []) if "value" in variable}
    return {**settings["data"], **{name: value for name, value in own.items() if name not in OF_LIBRARIES}}


@sets
def test_every_variable_is_one_that_is_read(values: tuple[str, ...]) -> None:
    """A misspelt or withdrawn setting would be ignored without a word."""
    objects = render(*values)
    for service in SERVICE_NAMES:
        assert environment(objects, service).keys() <= known(service).keys()
    for job in of_kind(objects, "Job"):
        names = {variable["name"] for variable in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        assert names <= fields(InfraSettings).keys()


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_every_secret_made_for_a_service_is_one_that_it_reads(service: str, files: Path) -> None:
    """Those of purposes too: a service that signs or encrypts does not start without."""
    made = written(files / f"{service}.env")
    assert made.keys() <= known(service).keys()
    of_purposes = (f"{service.upper()}_{name}" for name in ("AUDIT_KEY", "UNSUBSCRIBE_SECRET"))
    needed = {name for name in known(service) if name.endswith("_SECRETS") and name.startswith(service.upper())}
    assert needed | (known(service).keys() & set(of_purposes)) <= made.keys()


@sets
def test_no_secret_is_among_them(values: tuple[str, ...]) -> None:
    """Values end up in the release's history."""
    objects = render(*values)
    for service in SERVICE_NAMES:
        for name in environment(objects, service):
            assert known(service)[name] is not SecretStr, name


@sets
@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_services_accept_what_they_are_given(
    values: tuple[str, ...], service: str, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each service's settings are made from exactly that, with the secrets of the README."""
    secrets = {**SECRETS, **written(files / "shared.env"), **written(files / f"{service}.env")}
    for name, value in {**secrets, **environment(render(*values), service)}.items():
        monkeypatch.setenv(name, value)
    infra = InfraSettings()
    assert infra.accounts_url == "http://files-accounts:8000"
    assert settings_classes(service)
    for kind in settings_classes(service):
        kind()


def test_regions_name_each_other() -> None:
    """The two examples are two ends of one line."""
    regions = {name: render(*SETS[name]) for name in ("us-west-2", "ap-southeast-2")}
    public = {
        name: of_kind(objects, "ConfigMap")[0]["data"]["DOCSTORE_PUBLIC_URL"] for name, objects in regions.items()
    }
    for name, objects in regions.items():
        (other,) = public.keys() - {name}
        data = of_kind(objects, "ConfigMap")[0]["data"]
        assert data["DOCSTORE_REGION"] == name
        assert data["DOCSTORE_ISSUER"] == f"docstore-{name}"
        assert environment(objects, "accounts")["ACCOUNTS_PEERS"] == f'{{"{other}": "{public[other]}"}}'


def test_each_service_gets_its_own_secret_last() -> None:
    """Its own keys win over the shared ones; no one gets another's, and S3 keys go to those who use S3."""
    for service, pod in pods(render()).items():
        sources = pod["containers"][0].get("envFrom", [])
        names = [source["secretRef"]["name"] for source in sources if "secretRef" in source]
        if service not in SERVICE_NAMES:
            assert names == (["docstore"] if service == "provision-topics" else [])
            continue
        assert names[0] == "docstore"
        assert names[-1] == f"docstore-{service}"
        assert names[1:-1] == (["docstore-s3"] if uses_object_store(service) else [])


def test_scaling_by_lag_is_for_those_who_consume() -> None:
    """The chart's list of consumers is the code's."""
    consumers = {name for name, topics in generate_kafka_acls.consumed().items() if topics}
    assert {service for service in SERVICE_NAMES if _scales_by_lag(service)} == consumers


def _scales_by_lag(service: str) -> bool:
    """Whether the chart agrees to it; the indexer is asked without its volume."""
    change = f"services.{service}.kedaLag.enabled=true"
    try:
        objects = render("--set-json", "services.indexer.storage=null", "--set", change)
    except Refused as error:
        if "no unread events" not in str(error):
            raise
        return False
    return service in by_service(objects, "ScaledObject")
