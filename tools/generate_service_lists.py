"""Writes every list of services that cannot read the registry (docstore_platform.services) at run time.

Whole files, and blocks between `generated: NAME` and `end of generated` in files that are kept by hand otherwise. A
service's own folder has what only it needs: `deploy/compose.yml` is added to its container in docker-compose.yml,
`deploy/values.yaml` holds its values in the chart.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(path) for path in sorted(ROOT.glob("services/*/src"))]  # a new one is not installed yet

import generate_kafka_acls  # noqa: E402
from generate_versions import version  # noqa: E402
from generated_blocks import with_blocks  # noqa: E402
from source_reading import callers, reaches_object_store, uses_object_store  # noqa: E402

from docstore_platform.services import SERVICE_NAMES, ServiceName, needs_of  # noqa: E402

CHART = ROOT / "deploy/k8s/docstore"
NEEDED = ":?run make compose-up, or write it into .env"
CONTAINER = """\
<<: *service
image: "${DOCSTORE_IMAGES:-docstore}-@name@:${DOCSTORE_TAG:-latest}"
build: {context: ., network: "${BUILD_NETWORK:-default}", args: {SERVICE: @name@, PYTHON_IMAGE: "@python@"}}
""".replace("@python@", "${PYTHON_IMAGE:-python:3.11-slim-bookworm}")
ENVIRONMENT = """\
<<: *environment
DOCSTORE_SERVICE_KEY: "${SERVICE_KEY_@NAME@@needed@}"
DOCSTORE_MONGO_URL: "mongodb://@name@:${MONGO_@NAME@_PASSWORD:-}@mongo:27017/docstore_@name@?replicaSet=rs0"
DOCSTORE_KAFKA_USERNAME: @name@
DOCSTORE_KAFKA_PASSWORD: "${KAFKA_@NAME@_PASSWORD@needed@}"
"""
THREE_NODES = """\
@name@:
  environment:
    <<: *clients
    DOCSTORE_MONGO_URL: "mongodb://@name@:${MONGO_@NAME@_PASSWORD:-}@mongo:27017,mongo-2:27017,mongo-3:27017/docstore_@name@?replicaSet=rs0"
"""
OBJECT_STORE = """\
DOCSTORE_S3_ACCESS_KEY_ID: "${S3_@NAME@_ACCESS_KEY_ID@needed@}"
DOCSTORE_S3_SECRET_ACCESS_KEY: "${S3_@NAME@_SECRET_ACCESS_KEY@needed@}"
"""
TEMPLATES = """\
{{/* Written by `make generate` from the registry of services and from their code. */}}

{{/* Which services have keys of S3, which connect to it, some by signed URLs alone, and which to the internet. */}}
{{- define "docstore.usesS3" -}}{{ if has .service (list @s3@) }}yes{{ end }}{{- end }}
{{- define "docstore.reachesS3" -}}{{ if has .service (list @reaching@) }}yes{{ end }}{{- end }}
{{- define "docstore.usesInternet" -}}{{ if has .service (list @internet@) }}yes{{ end }}{{- end }}

{{/* Which services share events among their instances. */}}
{{- define "docstore.consumes" -}}{{ if has .service (list @consumers@) }}yes{{ end }}{{- end }}

{{/* Which service is called by which over HTTP; all ask accounts for its public keys. */}}
{{- define "docstore.callers" -}}
@callers@
{{- end }}
"""


def generate() -> dict[Path, str]:
    """The text of each file."""
    names = SERVICE_NAMES
    packages = [f"docstore_{name}" for name in names]
    sources = _lines(f"docstore-{name} = {{ workspace = true }}" for name in names)
    s3_users = {"S3 users": f'S3_USERS="{" ".join(filter(uses_object_store, names))}"\n'}
    blocks = {
        "pyproject.toml": {
            "service sources": sources,
            "service folders": _lines(f'"services/{name}/src",' for name in names),
            "service packages": _lines(f'"{package}",' for package in packages),
            "service layer": _lines([f'"{" | ".join(packages)}",']),
        },
        "deploy/standalone/pyproject.toml": {
            "service sources": sources,
            "service dependencies": _lines(f'"docstore-{name}=={version()}",' for name in names),
        },
        "docker-compose.yml": {"services": "\n".join(map(_container, names))},
        "deploy/compose/tls.yml": {"public addresses": _lines(f"{name}: {{environment: *public}}" for name in names)},
        "deploy/compose/three-nodes.yml": {
            "clients of three nodes": "".join(_named(THREE_NODES, name) for name in names)
        },
        "deploy/observability/prometheus.yml": {"service names": _lines(f"- {name}" for name in names)},
        "deploy/policies/mongo/roles.js": {"service names": _lines(f'"{name}",' for name in names)},
        "deploy/k8s/docstore/values.yaml": {"services": "".join(map(_values, names))},
        "deploy/k8s/README.md": s3_users,
        "deploy/policies/README.md": s3_users,
        "docs/architecture.md": {"service table": _table()},
    }
    return {
        **{ROOT / path: with_blocks(ROOT / path, bodies) for path, bodies in blocks.items()},
        CHART / "values.schema.json": _schema(),
        CHART / "templates/_services.tpl": _templates(),
    }


def _container(name: ServiceName) -> str:
    """A service's entry in docker-compose.yml."""
    own, own_environment = _own_compose(name)
    secrets = _lines(f'{secret}: "${{{secret}{NEEDED}}}"' for secret in needs_of(name).secrets)
    store = OBJECT_STORE if uses_object_store(name) else ""
    environment = indent(ENVIRONMENT + secrets + store + own_environment, "  ")
    entry = f"{CONTAINER}{own}environment:\n{environment}"
    return f"{name}:\n{indent(_named(entry, name).replace('@needed@', NEEDED), '  ')}"


def _named(template: str, name: ServiceName) -> str:
    return template.replace("@name@", name).replace("@NAME@", name.upper())


def _own_compose(name: str) -> tuple[str, str]:
    """What a service adds to its container, and to the container's environment."""
    own = _own(name, "compose.yml")
    environment = re.search(r"^environment:\n((?:(?:  .*)?\n)+)", own, re.MULTILINE)
    if environment is None:
        return own, ""
    return own.replace(environment.group(), ""), re.sub("^  ", "", environment.group(1), flags=re.MULTILINE)


def _values(name: str) -> str:
    """A service's entry in the chart's values."""
    own = _own(name, "values.yaml")
    return f"{name}:\n{indent(own, '  ')}" if own else f"{name}: {{}}\n"


def _schema() -> str:
    path = CHART / "values.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    services = schema["properties"]["services"]
    services["properties"] = {name: {"$ref": "#/$defs/service"} for name in SERVICE_NAMES}
    services["required"] = list(SERVICE_NAMES)
    return json.dumps(schema, indent=2) + "\n"


def _templates() -> str:
    consumed = generate_kafka_acls.consumed()
    lists = {
        "s3": filter(uses_object_store, SERVICE_NAMES),
        "reaching": filter(reaches_object_store, SERVICE_NAMES),
        "internet": (name for name in SERVICE_NAMES if needs_of(name).internet),
        "consumers": (name for name in SERVICE_NAMES if consumed[name]),
    }
    text = TEMPLATES
    for key, members in lists.items():
        text = text.replace(f"@{key}@", " ".join(f'"{name}"' for name in members))
    called = (f"{service}: [{', '.join(by)}]" for service, by in callers().items())
    return text.replace("@callers@", "\n".join(called))


def _table() -> str:
    """The services with the descriptions of their packages."""
    projects = {name: ROOT / "services" / name / "pyproject.toml" for name in SERVICE_NAMES}
    described = {
        name: tomllib.loads(path.read_text("utf-8"))["project"]["description"] for name, path in projects.items()
    }
    rows = (f"| [{name}](../services/{name}) | {description} |" for name, description in described.items())
    return _lines(["| service | responsible for |", "|---|---|", *rows])


def _own(name: str, file: str) -> str:
    path = ROOT / "services" / name / "deploy" / file
    text = path.read_text("utf-8").rstrip("\n") if path.exists() else ""
    return f"{text}\n" if text else ""


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    for path, text in generate().items():
        if not path.exists() or path.read_text("utf-8") != text:  # a newer pyproject.toml would rebuild .venv
            path.write_text(text, "utf-8")
