"""Secrets and configuration for docker-compose.yml: random, private, created once.

`python -m docstore_standalone.compose_files` writes `.env` beside docker-compose.yml and the object store's
configuration into `deploy/compose/state/`. Existing values in `.env` are kept; a newer version adds missing ones.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from docstore_platform.security.service_keys import new_service_key, public_key_of
from docstore_platform.services import SERVICE_NAMES
from docstore_standalone.credentials import Credentials, S3Credentials, load_credentials
from docstore_standalone.embedded.certificates import ensure_certificate
from docstore_standalone.embedded.object_store import (
    ENCRYPTION,
    GRPC_PARTS,
    HTTP_KEYS,
    READ_ROLE,
    READ_ROLE_ARN,
    UPLOAD_ROLE,
    UPLOAD_ROLE_ARN,
    iam_config,
    identity,
    user_arn,
)
from docstore_standalone.service_secrets import IDENTITIES, new_signing_secrets
from docstore_standalone.state import write_private

REGION = "us-west-2"
BUCKET = f"docstore-content-{REGION}"
PROCESSED = f"docstore-processed-{REGION}"
SECURITY, CERTIFICATE, KEY = "security.toml", "grpc.crt", "grpc.key"
IN_CONTAINER = "/etc/seaweedfs"
"""Folder in which SeaweedFS expects its security file."""
READ_BY_ITS_CONTAINER = 0o644
"""SeaweedFS runs as its own user and gets only these files; the folder is closed to others here."""
KAFKA_USERS = (*SERVICE_NAMES, "provision", "operator")
POLICIES = Path("deploy/policies/aws")
SHIPPED_ROLES = {
    f"arn:aws:iam::111122223333:role/{UPLOAD_ROLE}": UPLOAD_ROLE_ARN,
    f"arn:aws:iam::111122223333:role/{READ_ROLE}": READ_ROLE_ARN,
}
"""Names of roles in the shipped policies, with SeaweedFS's names."""
LENDER = "upload"
"""The service that signs uploads and assigns their role."""
READ_LENDER = "metadata"
"""The service that lends credentials to read contents."""
FORMS = f"Write:{BUCKET}"
"""SeaweedFS requires this extra right for forms; everything else is in the policy."""

Policy = dict[str, Any]


def write_compose_files(project: Path) -> bool:
    """Write missing files and values; return whether there were any."""
    state = project / "deploy" / "compose" / "state"
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    credentials = load_credentials(state)
    policies = s3_policies(project / POLICIES)
    lines, known = _read(project / ".env")
    variables = _variables(credentials, policies, known)
    store = _store_config(credentials, policies, variables)
    written = [_replace(state / name, json.dumps(content, indent=2)) for name, content in store.items()]
    written.append(_replace(state / SECURITY, store_security(credentials)))
    ensure_certificate(state / CERTIFICATE, state / KEY, "object-store")
    for name in (*store, SECURITY, CERTIFICATE, KEY):
        (state / name).chmod(READ_BY_ITS_CONTAINER)
    written.append(_replace(project / ".env", _merged(lines, known, variables)))
    return any(written)


def store_security(credentials: Credentials) -> str:
    """Security settings between the object store's components, in SeaweedFS's format."""
    key = {purpose: credentials.derived(f"object store {purpose}") for purpose in HTTP_KEYS.values()}
    tables = {
        "jwt.signing": {"key": key["volume writes"]},
        "jwt.signing.read": {"key": key["volume reads"]},
        "jwt.filer_signing": {"key": key["filer writes"]},
        "jwt.filer_signing.read": {"key": key["filer reads"]},
        "s3.sse": {"key": credentials.derived(f"object store {ENCRYPTION}")},
        "grpc": {"ca": f"{IN_CONTAINER}/{CERTIFICATE}"},
        **{
            f"grpc.{part.lower()}": {"cert": f"{IN_CONTAINER}/{CERTIFICATE}", "key": f"{IN_CONTAINER}/{KEY}"}
            for part in GRPC_PARTS
        },
    }
    return "".join(
        f"[{table}]\n" + "".join(f'{name} = "{value}"\n' for name, value in values.items())
        for table, values in tables.items()
    )


def s3_policies(folder: Path) -> dict[str, Policy]:
    """Return the shipped policy of each service with S3, with SeaweedFS's names of roles."""
    found: dict[str, Policy] = {}
    for service in SERVICE_NAMES:
        path = folder / f"{service}.json"
        text = path.read_text("utf-8") if path.exists() else ""
        if '"s3:' in text:
            for shipped, own in SHIPPED_ROLES.items():
                text = text.replace(shipped, own)
            found[service] = json.loads(text)
    return found


def new_cluster_id() -> str:
    """A random UUID in Kafka's form, which never begins with a hyphen: it would be read as an option."""
    while True:
        made = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not made.startswith("-"):
            return made


def _variables(credentials: Credentials, policies: Mapping[str, Policy], known: Mapping[str, str]) -> dict[str, str]:
    def kept(name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        return known.get(name) or make()

    mongo = {service: kept(f"MONGO_{service.upper()}_PASSWORD") for service in SERVICE_NAMES}
    kafka = {user: kept(f"KAFKA_{user.upper()}_PASSWORD") for user in KAFKA_USERS}
    variables = {
        **_service_variables(known),
        "ADMIN_PASSWORD": kept("ADMIN_PASSWORD", lambda: credentials.admin_password),
        "MONGO_ADMIN_PASSWORD": kept("MONGO_ADMIN_PASSWORD"),
        "MONGO_KEY": kept("MONGO_KEY", lambda: secrets.token_hex(64)),
        "MONGO_PASSWORDS": json.dumps(mongo, separators=(",", ":")),
        **{f"MONGO_{service.upper()}_PASSWORD": password for service, password in mongo.items()},
        "KAFKA_CLUSTER_ID": kept("KAFKA_CLUSTER_ID", new_cluster_id),
        "KAFKA_NODES_PASSWORD": kept("KAFKA_NODES_PASSWORD"),
        "KAFKA_PASSWORDS": json.dumps(kafka, separators=(",", ":")),
        **{f"KAFKA_{user.upper()}_PASSWORD": password for user, password in kafka.items()},
    }
    for service in policies:
        made = S3Credentials()
        name = f"S3_{service.upper()}"
        variables[f"{name}_ACCESS_KEY_ID"] = kept(f"{name}_ACCESS_KEY_ID", lambda made=made: made.access_key_id)  # type: ignore[misc]
        variables[f"{name}_SECRET_ACCESS_KEY"] = kept(f"{name}_SECRET_ACCESS_KEY")
    variables["S3_OPERATOR_ACCESS_KEY_ID"] = credentials.root.access_key_id
    variables["S3_OPERATOR_SECRET_ACCESS_KEY"] = credentials.root.secret_access_key
    return variables


def _service_variables(known: Mapping[str, str]) -> dict[str, str]:
    """A key for each service and the operator, the public keys of all, and a secret for each purpose.

    Values in `.env` are kept. If a service's key is removed from it, it gets a new one in addition to its public key.
    """
    names = {name: f"SERVICE_KEY_{name.upper()}" for name in IDENTITIES}
    private = {name: known.get(names[name]) or new_service_key() for name in IDENTITIES}
    public: dict[str, list[str]] = json.loads(known.get("SERVICE_PUBLIC_KEYS") or "{}")
    for name, key in private.items():
        public[name] = list(dict.fromkeys([public_key_of(key), *public.get(name, [])]))
    shared = known.get("DOCSTORE_INTERNAL_SECRET", "")
    made = {name: ",".join(values) for name, values in new_signing_secrets(shared).items()}
    return {
        **{names[name]: key for name, key in private.items()},
        "SERVICE_PUBLIC_KEYS": json.dumps(public, separators=(",", ":")),
        **{name: known.get(name) or value for name, value in made.items()},
    }


def _store_config(
    credentials: Credentials, policies: Mapping[str, Policy], variables: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The object store's files: an identity with its policy for each service, and roles that two of them lend."""
    identities = [identity("root", credentials.root, actions=["Admin"])]
    for service in policies:
        name = f"S3_{service.upper()}"
        keys = S3Credentials(
            access_key_id=variables[f"{name}_ACCESS_KEY_ID"], secret_access_key=variables[f"{name}_SECRET_ACCESS_KEY"]
        )
        actions = [FORMS] if service == LENDER else []
        identities.append(identity(service, keys, actions=actions, policies=[service]))
    iam = iam_config(credentials, [BUCKET], upload_lender=user_arn(LENDER), read_lender=user_arn(READ_LENDER))
    iam["policies"] += [{"name": service, "document": document} for service, document in policies.items()]
    return {"s3.json": {"identities": identities}, "iam.json": iam}


def _read(path: Path) -> tuple[list[str], dict[str, str]]:
    """Return the lines of a file of variables, and their values."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return lines, {name: value for name, _, value in pairs}


def _merged(lines: list[str], known: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """Append missing variables, and update lists of passwords that have grown."""
    kept = [
        f"{name}={variables[name]}" if (name := line.partition("=")[0]) in variables and known.get(name) else line
        for line in lines
    ]
    added = [f"{name}={value}" for name, value in variables.items() if not known.get(name)]
    return "".join(f"{line}\n" for line in (*kept, *added))


def _replace(path: Path, text: str) -> bool:
    if path.exists() and path.read_text("utf-8") == text:
        return False
    write_private(path, text)
    return True


if __name__ == "__main__":
    written = write_compose_files(Path.cwd())
    print("wrote .env and deploy/compose/state" if written else ".env and deploy/compose/state are there")
