"""Who may log in to the embedded MongoDB: an operator, all services in one process, and each service by itself."""

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
"""The server itself: may do everything, and needs no entry in the database."""
OPERATOR = "operator"
"""May do everything: for backups, and whoever looks into the data by hand."""
SERVICES = "services"
"""May do what services do, in the database of each of them: for all services in one process."""
PROOF = "password_sha256"
TRUSTED_TIME = "advanceClusterTime"
USERS = (OPERATOR, SERVICES, *SERVICE_NAMES)


@dataclass(frozen=True, slots=True)
class MongoSecrets:
    """The key file's content, and each user's password; databases are `database_prefix` + the service's name."""

    key: str = field(repr=False)
    passwords: dict[str, str] = field(repr=False)
    database_prefix: str

    @classmethod
    def of(cls, credentials: Credentials, database_prefix: str) -> "MongoSecrets":
        passwords = {user: credentials.derived(f"mongod user {user}") for user in USERS}
        return cls(credentials.derived("mongod key file"), passwords, database_prefix)


def operator_url(url: str, credentials: Credentials) -> str:
    """The operator's URL of the stack that has these credentials and is reached at `url`."""
    return url_of(url, OPERATOR, MongoSecrets.of(credentials, ""))


def url_of(url: str, user: str, secrets: MongoSecrets) -> str:
    """`url`, which names no user, for one of the users."""
    parts = urlsplit(url)
    who = f"{user}:{secrets.passwords[user]}@{parts.netloc}"
    return parts._replace(netloc=who, query=f"{parts.query}&authSource=admin").geturl()


async def ensure_users(client: AsyncMongoClient[dict[str, Any]], secrets: MongoSecrets) -> None:
    """Make the users, or change those whose password or rights are other ones; idempotent."""
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
    # The times that clients pass on need no signature then, whose keys a server that was killed may not have yet.
    privileges.append({"resource": {"cluster": True}, "actions": [TRUSTED_TIME]})
    known = (await client.admin.command("rolesInfo", role))["roles"]
    await client.admin.command("updateRole" if known else "createRole", role, privileges=privileges, roles=[])
    return role


def _reached_by(user: str) -> tuple[str, ...]:
    """The services whose databases a user reaches; none of the operator, who reaches everything."""
    if user == OPERATOR:
        return ()
    return SERVICE_NAMES if user == SERVICES else (user,)
