"""Secrets for docker-compose.yml: one set for each service, created once."""

import importlib
import inspect
import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from docstore_platform.security.service_keys import public_key_of
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import ServiceSettings
from docstore_standalone.compose_files import (
    CERTIFICATE,
    IN_CONTAINER,
    KAFKA_USERS,
    KEY,
    POLICIES,
    SECURITY,
    s3_policies,
    write_compose_files,
)
from docstore_standalone.embedded.object_store import GRPC_PARTS
from docstore_standalone.service_secrets import IDENTITIES, OWNERS

ROOT = Path(__file__).parents[4]
NEEDED = re.compile(r"\$\{([A-Z0-9_]+):\?")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the shipped policies, and nothing made yet."""
    shutil.copytree(ROOT / POLICIES, tmp_path / POLICIES)
    return tmp_path


def variables(project: Path) -> dict[str, str]:
    lines = (project / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def environment(service: str) -> dict[str, str]:
    found: dict[str, str] = COMPOSE["services"][service]["environment"]
    return found


def test_every_secret_that_compose_needs_is_made(project: Path) -> None:
    """`docker compose up` stops at none that is missing."""
    write_compose_files(project)
    assert set(NEEDED.findall((ROOT / "docker-compose.yml").read_text())) <= variables(project).keys()


def test_secrets_are_their_owners_alone(project: Path) -> None:
    """The object store's container is given its files; no one else can enter their folder, however it was made."""
    state = project / "deploy/compose/state"
    state.mkdir(parents=True, mode=0o755)
    write_compose_files(project)
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700


def test_generated_secrets_are_kept(project: Path) -> None:
    """A second start changes nothing."""
    assert write_compose_files(project)
    before = (project / ".env").read_text()
    assert not write_compose_files(project)
    assert (project / ".env").read_text() == before


def test_an_older_file_is_kept_and_gets_what_it_lacks(project: Path) -> None:
    """After an upgrade: passwords and the operator's own settings stay, new services' are added."""
    (project / ".env").write_text(
        '# mine\nGATEWAY_PORT=9999\nMONGO_QUOTA_PASSWORD=old\nMONGO_PASSWORDS={"quota":"old"}\n'
    )
    write_compose_files(project)
    text = (project / ".env").read_text()
    assert text.startswith("# mine\nGATEWAY_PORT=9999\nMONGO_QUOTA_PASSWORD=old\n")
    made = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert json.loads(made["MONGO_PASSWORDS"]) == {
        service: made[f"MONGO_{service.upper()}_PASSWORD"] for service in SERVICE_NAMES
    }
    assert text.count("MONGO_PASSWORDS=") == 1


def test_no_two_share_a_password(project: Path) -> None:
    """Whoever takes over one service has the keys of one service."""
    write_compose_files(project)
    made = variables(project)
    given = [value for name, value in made.items() if re.fullmatch(r"(MONGO|KAFKA|S3)_\w+_(PASSWORD|ACCESS_KEY)", name)]
    assert len(given) == len(set(given)) >= len(SERVICE_NAMES) + len(KAFKA_USERS) + 3


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_a_service_is_itself_to_kafka_and_to_mongodb(service: str) -> None:
    """Its own user and its own password, in the one and in the other."""
    given, name = environment(service), service.upper()
    assert given["DOCSTORE_KAFKA_SECURITY_PROTOCOL"] == "SASL_PLAINTEXT"
    assert given["DOCSTORE_KAFKA_USERNAME"] == service
    assert given["DOCSTORE_KAFKA_PASSWORD"].startswith(f"${{KAFKA_{name}_PASSWORD:")
    assert given["DOCSTORE_MONGO_URL"].startswith(f"mongodb://{service}:${{MONGO_{name}_PASSWORD:")


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_keys_for_s3_go_to_those_with_a_policy(service: str) -> None:
    """And are their own."""
    keys = {name: value for name, value in environment(service).items() if "ACCESS_KEY" in name}
    assert bool(keys) is (service in s3_policies(ROOT / POLICIES))
    assert all(value.startswith(f"${{S3_{service.upper()}_") for value in keys.values())


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_a_service_gets_its_own_key_and_the_secrets_of_its_purposes(service: str) -> None:
    """Media none at all."""
    given = environment(service)
    assert given["DOCSTORE_SERVICE_KEY"].startswith(f"${{SERVICE_KEY_{service.upper()}:")
    assert given.keys() & OWNERS.keys() == {name for name, owners in OWNERS.items() if service in owners}


def test_keys_of_services_fit_together(project: Path) -> None:
    """Made once; a service whose key is taken out gets a new one, and is known by the former too."""
    write_compose_files(project)
    first = variables(project)
    public = json.loads(first["SERVICE_PUBLIC_KEYS"])
    assert all(public[name] == [public_key_of(first[f"SERVICE_KEY_{name.upper()}"])] for name in IDENTITIES)
    text = (project / ".env").read_text()
    (project / ".env").write_text(text.replace(f"SERVICE_KEY_QUOTA={first['SERVICE_KEY_QUOTA']}\n", ""))
    write_compose_files(project)
    second = variables(project)
    assert json.loads(second["SERVICE_PUBLIC_KEYS"])["quota"] == [
        public_key_of(second["SERVICE_KEY_QUOTA"]),
        *public["quota"],
    ]
    assert second["SERVICE_KEY_UPLOAD"] == first["SERVICE_KEY_UPLOAD"]


def test_signatures_of_an_earlier_version_stay_valid(project: Path) -> None:
    """Its shared secret is the second of each purpose's, after one of its own."""
    (project / ".env").write_text("DOCSTORE_INTERNAL_SECRET=shared\n")
    write_compose_files(project)
    assert all(variables(project)[name].split(",")[1:] == ["shared"] for name in OWNERS)


def folders(service: str) -> dict[str, Path]:
    """The folders that a service writes to, by their variables, unless others are set."""
    module = importlib.import_module(f"docstore_{service}.settings")
    return {
        f"{kind.model_config.get('env_prefix')}{name}".upper(): field.default
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, ServiceSettings)
        for name, field in kind.model_fields.items()
        if field.annotation is Path
    }


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_services_write_only_to_allowed_folders(service: str) -> None:
    """Its root is read-only: each folder of its settings is in a tmpfs or a volume."""
    given = COMPOSE["services"][service]
    assert given["read_only"]
    writable = [*given["tmpfs"], *(volume.split(":")[1] for volume in given.get("volumes", []))]
    for variable, usual in folders(service).items():
        folder = Path(given["environment"].get(variable, usual))
        assert any(folder.is_relative_to(place) for place in writable), f"{variable} is {folder}"


def test_the_user_listener_is_reachable_by_the_broker_only() -> None:
    """Kafka's two listeners that ask no one who he is are on the container's loopback address."""
    kafka = COMPOSE["services"]["kafka"]["environment"]
    protocols = dict(each.split(":") for each in kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    addresses = dict(each.split("://") for each in kafka["KAFKA_LISTENERS"].split(","))
    assert {name for name, protocol in protocols.items() if protocol != "SASL_PLAINTEXT"} == {"INSIDE", "CONTROLLER"}
    assert all(addresses[name].startswith("127.0.0.1:") for name in ("INSIDE", "CONTROLLER"))


def test_every_image_has_a_version() -> None:
    """None changes by itself: what is started today is what was tried. Those of the project are what was built."""
    images = {name: service["image"] for name, service in COMPOSE["services"].items() if "image" in service}
    others = {name: image for name, image in images.items() if "DOCSTORE_TAG" not in image}
    whole = re.compile(r"\$\{\w+:-(chrislusf/seaweedfs:\d+\.\d+|[\w/.-]+:v?\d+\.\d+\.\d+)\}")
    assert others
    assert not [name for name, image in others.items() if not whole.fullmatch(image)]


def test_the_object_stores_parts_take_each_other_alone(project: Path) -> None:
    """Its container is given a key for each of their ways, and a certificate that is the same at every start."""
    write_compose_files(project)
    state = project / "deploy/compose/state"
    security = tomllib.loads((state / SECURITY).read_text())
    signing = (security["jwt"]["signing"], security["jwt"]["filer_signing"])
    assert len({key for each in signing for key in (each["key"], each["read"]["key"])}) == 4
    assert all(security["grpc"][part.lower()]["cert"] for part in GRPC_PARTS)
    mounted = dict(each.split(":")[:2] for each in COMPOSE["services"]["object-store"]["volumes"][1:])
    for name in (SECURITY, CERTIFICATE, KEY):
        assert mounted[f"./deploy/compose/state/{name}"] == f"{IN_CONTAINER}/{name}"
    certificate = (state / CERTIFICATE).read_text()
    write_compose_files(project)
    assert (state / CERTIFICATE).read_text() == certificate
