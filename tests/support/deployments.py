"""Addresses and access to a running DocStore, beyond the public API."""

import asyncio
import json
import os
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from event_log import EventLog

from docstore_standalone.embedded.mailbox import Mail, read_mail
from docstore_standalone.embedded.ses_request import parse

DELIVERY_HEADER = "X-DocStore-Delivery"


class Mailbox:
    """The mails that the local SES accepted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, Mail] = {}

    def of(self, email: str) -> list[Mail]:
        """Those to one person, the newest last."""
        for file in self._folder.glob("*.eml"):
            if file not in self._read:
                self._read[file] = read_mail(file)
        mails = sorted(self._read.items())
        return [mail for _, mail in mails if any(email in one for one in mail.recipients)]


class AwsMailbox(Mailbox):
    """The mails that moto's SES accepted, read from its dashboard."""

    def __init__(self, endpoint: str) -> None:
        self._url = f"{endpoint}/moto-api/data.json"

    def of(self, email: str) -> list[Mail]:
        with urllib.request.urlopen(self._url, timeout=10) as answer:
            accepted = json.load(answer)["ses"]["RawMessage"]
        return [_mail(message) for message in accepted if any(email in one for one in message["destinations"])]


def _mail(message: dict[str, Any]) -> Mail:
    content = parse(message["raw_data"].encode())
    sent_at = parsedate_to_datetime(content.headers["Date"])
    return Mail(
        message_id=message["id"],
        received_at=sent_at,
        sender=message["source"],
        recipients=tuple(message["destinations"]),
        subject=content.subject,
        text=content.text,
        html=content.html,
        headers=content.headers,
        file=Path(message["id"]),
    )


class Bucket:
    """The content bucket, as its operator sees it."""

    def __init__(self, endpoint: str, key_id: str, secret: str, name: str, region: str) -> None:
        self.name = name
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            region_name=region,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    async def keys(self, account_id: str) -> list[str]:
        """Every object of an account that has content: an empty one may be a tombstone."""
        entries = await asyncio.to_thread(lambda: list(self._entries(f"accounts/{account_id}/")))
        return [entry["Key"] for entry in entries if entry["Size"]]

    async def stored_bytes(self, account_id: str) -> int:
        """Of every object of an account together."""
        return await asyncio.to_thread(lambda: sum(entry["Size"] for entry in self._entries(f"accounts/{account_id}/")))

    async def replace(self, key: str, data: bytes) -> None:
        """Exchange the bytes of an object."""
        await asyncio.to_thread(self._client.put_object, Bucket=self.name, Key=key, Body=data)

    async def keys_under(self, prefix: str) -> list[str]:
        return await asyncio.to_thread(lambda: [entry["Key"] for entry in self._entries(prefix)])

    async def remove(self, key: str) -> None:
        """Delete an object."""
        await asyncio.to_thread(self._client.delete_object, Bucket=self.name, Key=key)

    async def unfinished(self, account_id: str) -> list[str]:
        """Keys of the account's multipart uploads that are neither completed nor aborted."""
        prefix = f"accounts/{account_id}/"
        answer = await asyncio.to_thread(self._client.list_multipart_uploads, Bucket=self.name, Prefix=prefix)
        return [upload["Key"] for upload in answer.get("Uploads", [])]

    async def in_clear(self) -> list[str]:
        """Keys of objects that are not encrypted."""

        def keys() -> list[str]:
            found = [entry["Key"] for entry in self._entries("")]
            heads = {key: self._client.head_object(Bucket=self.name, Key=key) for key in found}
            return [key for key, head in heads.items() if "ServerSideEncryption" not in head]

        return await asyncio.to_thread(keys)

    def _entries(self, prefix: str) -> Iterator[Any]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            yield from page.get("Contents", [])


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is None can't be looked at there: tests that need it are not collected."""

    gateway: str
    admin: tuple[str, str] | None = None
    """E-mail and password of an administrator."""
    mailbox: Mailbox | None = None
    events: EventLog | None = None
    bucket: Bucket | None = None


NEEDS = {
    "admin": ("DOCSTORE_E2E_ADMIN_EMAIL", "DOCSTORE_E2E_ADMIN_PASSWORD"),
    "mailbox": ("DOCSTORE_E2E_MAILBOX",),
    "events": ("DOCSTORE_E2E_KAFKA",),
    "bucket": (
        "DOCSTORE_E2E_S3_ENDPOINT",
        "DOCSTORE_E2E_S3_KEY_ID",
        "DOCSTORE_E2E_S3_SECRET",
        "DOCSTORE_E2E_S3_BUCKET",
    ),
    "access_log": ("DOCSTORE_E2E_ACCESS_LOG",),
    "small_limits": ("DOCSTORE_E2E_SMALL_LIMITS",),
}
"""For tests of a running deployment: the variables that a fixture needs."""


def missing(fixture: str) -> bool:
    """Whether tests that use this fixture can't be run on the deployment named by the environment."""
    return any(variable not in os.environ for variable in NEEDS.get(fixture, ()))


def _mailbox_at(place: str) -> Mailbox:
    """A folder of mails, or the address of moto."""
    return AwsMailbox(place) if place.startswith("http") else Mailbox(Path(place))


def deployment_of(environment: dict[str, Any]) -> Deployment:
    """The running deployment that the variables describe."""
    get = environment.get
    mailbox, kafka, endpoint = get("DOCSTORE_E2E_MAILBOX"), get("DOCSTORE_E2E_KAFKA"), get("DOCSTORE_E2E_S3_ENDPOINT")
    return Deployment(
        gateway=environment["DOCSTORE_E2E_URL"],
        admin=(get("DOCSTORE_E2E_ADMIN_EMAIL", ""), get("DOCSTORE_E2E_ADMIN_PASSWORD", "")),
        mailbox=_mailbox_at(mailbox) if mailbox else None,
        events=EventLog(kafka, get("DOCSTORE_E2E_KAFKA_USERNAME", ""), get("DOCSTORE_E2E_KAFKA_PASSWORD", ""))
        if kafka
        else None,
        bucket=Bucket(
            endpoint,
            get("DOCSTORE_E2E_S3_KEY_ID", ""),
            get("DOCSTORE_E2E_S3_SECRET", ""),
            get("DOCSTORE_E2E_S3_BUCKET", ""),
            get("DOCSTORE_E2E_S3_REGION", "us-west-2"),
        )
        if endpoint
        else None,
    )
