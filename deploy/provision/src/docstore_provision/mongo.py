"""Creates the replica set, its administrator, and one user for each service with access to its own database only."""

import time
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

from docstore_provision.settings import ProvisionSettings

NOT_YET_INITIALIZED = 94
UNAUTHORIZED = 13
AUTHENTICATION_FAILED = 18
USER_NOT_FOUND = 11
ROLE_NOT_FOUND = 31
RETRY_SECONDS = 0.5

ROLE = "service"
ROLE_ACTIONS = (
    "find",
    "insert",
    "update",
    "remove",
    "createCollection",
    "listCollections",
    "createIndex",
    "dropIndex",
    "listIndexes",
    "collMod",
)
"""Actions of a service in its own database: it can't drop, rename or convert collections; collMod changes how long
entries are kept."""

Client = MongoClient[dict[str, Any]]


def provision_mongo(settings: ProvisionSettings) -> None:
    """Prepare the database for the services; repeatable.

    The first user can be created without a login, but only from the server's own host: run this in its network
    namespace.
    """
    anonymous: Client = _client(settings)
    with anonymous:
        _until(settings, lambda: _join_replica_set(anonymous, settings))
        _until(settings, lambda: _has_primary(anonymous))
        if _is_primary(anonymous):
            _make_admin(anonymous, settings)
        # Otherwise another member has been elected, of a set that has its administrator.
    with _admin_client(settings) as admin:
        for host in settings.more_members:
            _until(settings, lambda host=host: _add_member(admin, host))  # type: ignore[misc]
        for service, password in settings.passwords.items():
            _make_user(admin, settings, service, password.get_secret_value())


def _client(settings: ProvisionSettings) -> Client:
    return MongoClient(f"mongodb://{settings.mongo}/?directConnection=true", serverSelectionTimeoutMS=2_000)


def _admin_client(settings: ProvisionSettings) -> Client:
    """A client of whichever member is the primary."""
    return MongoClient(
        f"mongodb://{settings.mongo}/",
        serverSelectionTimeoutMS=int(settings.wait_seconds * 1000),
        username=settings.admin,
        password=settings.admin_password.get_secret_value(),
        **({"replicaSet": settings.replica_set} if settings.replica_set else {"directConnection": True}),
    )


def _until(settings: ProvisionSettings, done: Callable[[], bool]) -> None:
    """Repeat until done; raise the last error after the time limit."""
    deadline = time.monotonic() + settings.wait_seconds
    while True:
        try:
            if done():
                return
        except (AutoReconnect, OperationFailure):
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise TimeoutError("MongoDB has not become a primary in time")
        time.sleep(RETRY_SECONDS)


def _join_replica_set(client: Client, settings: ProvisionSettings) -> bool:
    if not settings.replica_set or client.admin.command("hello").get("setName"):
        return True
    member = {"_id": 0, "host": settings.mongo_host}
    client.admin.command("replSetInitiate", {"_id": settings.replica_set, "members": [member]})
    return True


def _add_member(admin: Client, host: str) -> bool:
    """Add a member with a vote and the others' priority; it copies the data before its vote counts."""
    config = admin.admin.command("replSetGetConfig")["config"]
    members = config["members"]
    if any(member["host"] == host for member in members):
        return True
    added = {"_id": max(member["_id"] for member in members) + 1, "host": host}
    changed = {**config, "version": config["version"] + 1, "members": [*members, added]}
    admin.admin.command("replSetReconfig", changed)
    return True


def _has_primary(client: Client) -> bool:
    """Whether this member is ready to write, or another one is the primary."""
    hello = client.admin.command("hello")
    return bool(hello["isWritablePrimary"] or hello.get("primary", hello.get("me")) != hello.get("me"))


def _is_primary(client: Client) -> bool:
    return bool(client.admin.command("hello").get("isWritablePrimary"))


def _make_admin(client: Client, settings: ProvisionSettings) -> None:
    """Create the administrator while there is no user; otherwise log in as the existing one."""
    try:
        client.admin.command(
            "createUser", settings.admin, pwd=settings.admin_password.get_secret_value(), roles=["root"]
        )
    except OperationFailure as error:
        if error.code not in (UNAUTHORIZED, AUTHENTICATION_FAILED):
            raise


def _make_user(admin: Client, settings: ProvisionSettings, service: str, password: str) -> None:
    """Create the service's user in its own database, with only the role of a service there."""
    database = admin[f"{settings.database_prefix}{service}"]
    privileges = [{"resource": {"db": database.name, "collection": ""}, "actions": list(ROLE_ACTIONS)}]
    _update_or_create(database, "Role", ROLE, ROLE_NOT_FOUND, privileges=privileges, roles=[])
    roles = [{"role": ROLE, "db": database.name}]
    _update_or_create(database, "User", service, USER_NOT_FOUND, pwd=password, roles=roles)


def _update_or_create(database: Database[dict[str, Any]], kind: str, name: str, not_found: int, **wanted: Any) -> None:
    try:
        database.command(f"update{kind}", name, **wanted)
    except OperationFailure as error:
        if error.code != not_found:
            raise
        database.command(f"create{kind}", name, **wanted)
