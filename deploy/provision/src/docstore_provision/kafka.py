"""Creates one Kafka user for each service, with only the shipped access rules."""

import json
import time
from collections.abc import Collection, Iterator

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from docstore_provision.settings import KafkaProvisionSettings

ANY_HOST = "*"
POLL_SECONDS = 0.1


class KafkaRefused(Exception):
    """The broker refused a user or a rule, named by the message."""


def provision_kafka(settings: KafkaProvisionSettings) -> None:
    """Create or update users and rules; repeatable.

    Deletes these users' rules that are no longer shipped; other users' rules are not changed. Raises KafkaError,
    KafkaRefused.
    """
    with KafkaAdminClient(
        bootstrap_servers=settings.bootstrap,
        client_id="docstore-provision",
        bootstrap_timeout_ms=int(settings.wait_seconds * 1000),
    ) as admin:
        _set_passwords(admin, settings)
        wanted, present = set(_shipped(settings)), set(_present(admin, settings.passwords))
        _add(admin, wanted - present)
        _remove(admin, present - wanted)


def _set_passwords(admin: KafkaAdminClient, settings: KafkaProvisionSettings) -> None:
    responses = admin.alter_user_scram_credentials(
        [
            UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password.get_secret_value())
            for user, password in settings.passwords.items()
        ]
    )
    for user, error in responses.items():
        if error is not None:
            raise KafkaRefused(f"user {user}: {error}")
    deadline = time.monotonic() + settings.wait_seconds
    while missing := settings.passwords.keys() - admin.describe_user_scram_credentials().keys():
        # They are written, but the authenticating broker has not read them yet.
        if time.monotonic() > deadline:
            raise KafkaRefused(f"users {sorted(missing)} are still unknown")
        time.sleep(POLL_SECONDS)


def _shipped(settings: KafkaProvisionSettings) -> Iterator[ACL]:
    """Rules of the users with a password in the settings."""
    for rule in json.loads(settings.rules.read_bytes()):
        if rule["user"] not in settings.passwords:
            continue
        resources = [
            *(ResourcePattern(ResourceType.TOPIC, name) for name in rule["topics"]),
            *(ResourcePattern(ResourceType.GROUP, name) for name in rule["groups"]),
        ]
        for operation in rule["operations"]:
            allowed = ACLOperation[operation.upper()]
            for resource in resources:
                yield ACL(f"User:{rule['user']}", ANY_HOST, allowed, ACLPermissionType.ALLOW, resource)


def _present(admin: KafkaAdminClient, users: Collection[str]) -> Iterator[ACL]:
    everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = admin.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, everything))
    principals = {f"User:{user}" for user in users}
    yield from (rule for rule in found if rule.principal in principals)


def _add(admin: KafkaAdminClient, rules: Collection[ACL]) -> None:
    failed = admin.create_acls(list(rules))["failed"] if rules else []
    if failed:
        raise KafkaRefused(f"{len(failed)} of {len(rules)} rules: {failed[0].__name__}")


def _remove(admin: KafkaAdminClient, rules: Collection[ACL]) -> None:
    for rule, _, error in admin.delete_acls(list(rules)) if rules else ():
        if error.errno:
            raise KafkaRefused(f"{rule} was not deleted: {error.__name__}")
