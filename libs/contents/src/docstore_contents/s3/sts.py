"""Temporary STS credentials, by which any S3 tool can do one upload, or read some objects, and nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from docstore_contents.s3.store import ObjectStore

MAX_POLICY_CHARS = 2048
"""Of a session policy, by AWS."""


class PolicyTooLarge(Exception):
    """A session policy can't name so many objects."""


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """Credentials that work until `expires_at`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime


def upload_policy(bucket: str, key: str) -> dict[str, Any]:
    """Policy for single and multipart uploads of the object `key`. ValueError for a key that would match others.

    PutObject covers all steps of a multipart upload. The denial is essential: a session that may assume the role again
    would get all rights of the role.
    """
    return _policy(bucket, [key], ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"])


def read_policy(bucket: str, keys: Sequence[str]) -> dict[str, Any]:
    """Policy to read the objects of these keys, and nothing else: nothing is listed. ValueError as above.

    PolicyTooLarge if the keys do not fit.
    """
    policy = _policy(bucket, keys, ["s3:GetObject"])
    if len(_compact(policy)) > MAX_POLICY_CHARS:
        raise PolicyTooLarge
    return policy


def _policy(bucket: str, keys: Sequence[str], actions: Sequence[str]) -> dict[str, Any]:
    for key in keys:
        if not key or key.endswith("/") or any(char in "*?$" for char in key):
            raise ValueError(f"{key!r} is not the plain key of an object")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{bucket}/{key}" for key in keys]},
            {"Effect": "Deny", "Action": ["sts:*"], "Resource": ["*"]},
        ],
    }


def _compact(policy: Mapping[str, Any]) -> str:
    return json.dumps(policy, separators=(",", ":"))


async def upload_credentials(
    store: ObjectStore, role_arn: str, key: str, *, session_name: str, seconds: int
) -> TemporaryCredentials:
    """Return credentials for uploads of the object `key`, for `seconds` (900 to the role's limit).

    `session_name` (2-64 of `A-Za-z0-9_+=,.@-`) appears in the store's access log.
    """
    return await _lent(store, role_arn, upload_policy(store.config.bucket, key), session_name, seconds)


async def read_credentials(
    store: ObjectStore, role_arn: str, keys: Sequence[str], *, session_name: str, seconds: int
) -> TemporaryCredentials:
    """Return credentials to read the objects `keys`; the rest as for uploads. PolicyTooLarge."""
    return await _lent(store, role_arn, read_policy(store.config.bucket, keys), session_name, seconds)


async def _lent(
    store: ObjectStore, role_arn: str, policy: Mapping[str, Any], session_name: str, seconds: int
) -> TemporaryCredentials:
    response = await store.transport.call(
        "assume_role",
        service="sts",
        RoleArn=role_arn,
        RoleSessionName=session_name,
        DurationSeconds=seconds,
        Policy=_compact(policy),
    )
    granted = response["Credentials"]
    return TemporaryCredentials(
        granted["AccessKeyId"], granted["SecretAccessKey"], granted["SessionToken"], granted["Expiration"]
    )
