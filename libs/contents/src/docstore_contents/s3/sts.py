"""Temporary STS credentials, by which any S3 tool can do one upload and nothing else."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from docstore_contents.s3.store import ObjectStore


@dataclass(frozen=True, slots=True)
class UploadCredentials:
    """Credentials to write one object until `expires_at`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: datetime


def upload_policy(bucket: str, key: str) -> dict[str, Any]:
    """Policy for single and multipart uploads of the object `key`. ValueError for a key that would match others.

    PutObject covers all steps of a multipart upload. The denial is essential: a session that may assume the role again
    would get all rights of the role.
    """
    if not key or key.endswith("/") or any(char in "*?$" for char in key):
        raise ValueError(f"{key!r} is not the plain key of an object")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
                "Resource": [f"arn:aws:s3:::{bucket}/{key}"],
            },
            {"Effect": "Deny", "Action": ["sts:*"], "Resource": ["*"]},
        ],
    }


async def upload_credentials(
    store: ObjectStore, role_arn: str, key: str, *, session_name: str, seconds: int
) -> UploadCredentials:
    """Return credentials for uploads of the object `key`, for `seconds` (900 to the role's limit).

    `session_name` (2-64 of `A-Za-z0-9_+=,.@-`) appears in the store's access log.
    """
    response = await store.transport.call(
        "assume_role",
        service="sts",
        RoleArn=role_arn,
        RoleSessionName=session_name,
        DurationSeconds=seconds,
        Policy=json.dumps(upload_policy(store.config.bucket, key), separators=(",", ":")),
    )
    granted = response["Credentials"]
    return UploadCredentials(
        granted["AccessKeyId"], granted["SecretAccessKey"], granted["SessionToken"], granted["Expiration"]
    )
