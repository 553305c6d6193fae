"""Adding a service needs its own folder and one line in the registry; everything else follows."""

import difflib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generate_kafka_acls
import generate_service_lists
import pytest
import yaml
from generate_versions import version
from toy_service import FOLDER, NAME, OWN_FILES, REGISTRY, ROOT, Project

Files = dict[Path, str]
PACKAGE = f"docstore_{NAME}"


@dataclass(frozen=True, slots=True)
class Steps:
    """All files before, after what a person writes, and after what is generated."""

    project: Project
    before: Files
    written: Files
    generated: Files

    def loaded(self, path: str) -> Any:
        return yaml.safe_load(self.generated[Path(path)])


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    project = Project(tmp_path_factory.mktemp("project"))
    before = project.files()
    project.add_toy()
    written = project.files()
    project.generate()
    return Steps(project, before, written, project.files())


def changed(before: Files, after: Files) -> set[Path]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def test_a_person_writes_its_folder_and_one_line(steps: Steps) -> None:
    """Nothing else is edited by hand."""
    assert changed(steps.before, steps.written) == {REGISTRY, *(FOLDER / name for name in OWN_FILES)}
    lines = difflib.ndiff(steps.before[REGISTRY].splitlines(), steps.written[REGISTRY].splitlines())
    assert [line for line in lines if not line.startswith("  ")] == [f'+     "{NAME}",']


def test_all_else_is_generated(steps: Steps) -> None:
    """What changes besides is written by generators, and each list has it."""
    generators = generate_service_lists.generate().keys() | generate_kafka_acls.generate().keys()
    assert changed(steps.written, steps.generated) <= {path.relative_to(ROOT) for path in generators}
    for path in changed(steps.written, steps.generated):
        assert NAME in steps.generated[path], path


def test_the_supervisor_runs_it(steps: Steps) -> None:
    """In one process with the others, and in one of its own: a key, a URL, a database user."""
    script = """
import json
from docstore_platform.settings import InfraSettings
from docstore_standalone.embedded.mongo_users import USERS
from docstore_standalone.service_secrets import IDENTITIES, only_for
from docstore_standalone.services import CREATE_APP, LOCAL_URLS
from docstore_standalone.stack import SERVICE_NAMES
CREATE_APP["toy"]()
own = only_for("toy", {"TOY_COLOUR": "red", "QUOTA_FREE_BYTES": "1"})
print(json.dumps([SERVICE_NAMES, list(USERS), list(IDENTITIES), InfraSettings().service_url("toy"), LOCAL_URLS, own]))
"""
    names, users, identities, url, local, own = json.loads(steps.project.run("-c", script))
    assert NAME in names
    assert NAME in users
    assert NAME in identities
    assert url == "http://toy:8000"
    assert local["DOCSTORE_TOY_URL"] == "local:toy"
    assert own == {"TOY_COLOUR": "red"}


def test_compose_has_a_container_for_it(steps: Steps) -> None:
    """As for the others, with what it adds itself; and every secret that is needed is made."""
    container = steps.loaded("docker-compose.yml")["services"][NAME]
    assert container["build"]["args"]["SERVICE"] == NAME
    assert container["mem_limit"] == "64m"
    assert container["environment"]["TOY_COLOUR"] == "red"
    assert container["environment"]["DOCSTORE_KAFKA_USERNAME"] == NAME
    steps.project.run("-m", "docstore_standalone.compose_files")
    variables = (steps.project.folder / ".env").read_text()
    for variable in ("SERVICE_KEY_TOY", "MONGO_TOY_PASSWORD", "KAFKA_TOY_PASSWORD"):
        assert f"\n{variable}=" in variables
        assert f"${{{variable}" in steps.generated[Path("docker-compose.yml")]


def test_the_chart_has_it(steps: Steps) -> None:
    """With its own values, in the schema, and among those that ask accounts for its keys."""
    assert steps.loaded("deploy/k8s/docstore/values.yaml")["services"][NAME] == {"replicas": 3}
    schema = json.loads(steps.generated[Path("deploy/k8s/docstore/values.schema.json")])
    assert NAME in schema["properties"]["services"]["properties"]
    assert ", toy, " in steps.generated[Path("deploy/k8s/docstore/templates/_services.tpl")]


def test_it_is_installed_checked_and_scraped(steps: Steps) -> None:
    """Dependencies, import contracts, Prometheus targets, database and broker rights."""
    project = tomllib.loads(steps.generated[Path("pyproject.toml")])
    assert f"services/{NAME}/src" in project["tool"]["mypy"]["mypy_path"]
    contracts = {each["name"]: each for each in project["tool"]["importlinter"]["contracts"]}
    assert PACKAGE in contracts["Services are independent of each other"]["modules"]
    standalone = tomllib.loads(steps.generated[Path("deploy/standalone/pyproject.toml")])
    assert f"docstore-{NAME}=={version()}" in standalone["project"]["dependencies"]
    (scraped,) = steps.loaded("deploy/observability/prometheus.yml")["scrape_configs"]
    assert NAME in scraped["dns_sd_configs"][0]["names"]
    rules = json.loads(steps.generated[Path("deploy/policies/kafka/acls.json")])
    assert NAME in {rule["user"] for rule in rules}
