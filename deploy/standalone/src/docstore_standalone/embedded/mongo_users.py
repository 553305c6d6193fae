"""Users of the embedded MongoDB: an operator, all services in one process, and each service for itself."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pymongo import AsyncMongoClient

from docstore_platform.services import SERVICE_NAMES
from docstore_provision.mongo import ROLE_ACTIONS
from docstore_standalone.credentials import Credentials

SYSTEM = "__system"
"""The server itself, with all rights and without an entry in the database."""
OPERATOR = "operator"
"""Has all rights: for backups and manual access."""
SERVICES = "services"
"""All services in one process: rights of services in each of their databases."""
PROOF = "password_sha256"
TRUSTED_TIME = "advanceClusterTime"
USERS = (OPERATOR, SERVICES, *SERVICE_NAMES)


@dataclass(frozen=True, slots=True)
class MongoSecrets:
    """The key file's content and each user's password; databases are `database_prefix` + the service's name."""

    key: str = field(repr=False)
    passwords: dict[str, str] = field(repr=False)
    database_prefix: str

    @classmethod
    def of(cls, credentials: Credentials, database_prefix: str) -> "MongoSecrets":
        passwords = {user: credentials.derived(f"mongod user {user}") for user in USERS}
        return cls(credentials.derived("mongod key file"), passwords, database_prefix)


def operator_url(url: str, credentials: Credentials) -> str:
    """Return the operator's URL for the stack with these credentials at `url`."""
    return url_of(url, OPERATOR, MongoSecrets.of(credentials, ""))


def url_of(url: str, user: str, secrets: MongoSecrets) -> str:
    """Return `url`, which has no user, with one of the users."""
    parts = urlsplit(url)
    who = f"{user}:{secrets.passwords[user]}@{parts.netloc}"
    return parts._replace(netloc=who, query=f"{parts.query}&authSource=admin").geturl()


async def ensure_users(client: AsyncMongoClient[dict[str, Any]], secrets: MongoSecrets) -> None:
    """Create the users, or update changed passwords and rights. Idempotent."""
    known = {row["user"]: row.get("customData", {}) for row in (await client.admin.command("usersInfo"))["users"]}
    for user, password in secrets.passwords.items():
        databases = [secrets.database_prefix + name for name in _reached_by(user)]
        proof = hashlib.sha256(f"{password} {databases} {ROLE_ACTIONS} {TRUSTED_TIME}".encode()).hexdigest()
        if known.get(user, {}).get(PROOF) == proof:
            continue
        role = await _ensure_role(client, user, databases) if databases else "root"
        wanted: dict[str, Any] = {
            "pwd": password,
            "roles": [role],
            "mechanisms": ["SCRAM-SHA-256"],
            "customData": {PROOF: proof},
        }
        await client.admin.command("updateUser" if user in known else "createUser", user, **wanted)


async def _ensure_role(client: AsyncMongoClient[dict[str, Any]], user: str, databases: Iterable[str]) -> str:
    role = f"docstore-{user}"
    privileges: list[dict[str, Any]] = [
        {"resource": {"db": database, "collection": ""}, "actions": list(ROLE_ACTIONS)} for database in databases
    ]
    # Times from clients then need no signature, whose keys a killed server may not have yet after its restart.
    privileges.append({"resource": {"cluster": True}, "actions": [TRUSTED_TIME]})
    known = (await client.admin.command("rolesInfo", role))["roles"]
    await client.admin.command("updateRole" if known else "createRole", role, privileges=privileges, roles=[])
    return role


def _reached_by(user: str) -> tuple[str, ...]:
    """Services whose databases a user can access; none for the operator, who can access all."""
    if user == OPERATOR:
        return ()
    return SERVICE_NAMES if user == SERVICES else (user,)
