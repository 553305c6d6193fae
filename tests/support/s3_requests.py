"""Requests to an object store by a client without credentials."""

import hashlib
from typing import Any

import aiohttp
from yarl import URL

from docstore_contents.s3.store import (
    ObjectStore,
    SignedForm,
    SignedPut,
)

BODY = b"what is written here is what is read there\n" * 30
SHA256 = hashlib.sha256(BODY).hexdigest()
OTHER_SHA256 = hashlib.sha256(b"something else").hexdigest()


async def send(client: aiohttp.ClientSession, url: str, body: bytes, headers: Any = None, method: str = "PUT") -> int:
    async with client.request(
        method, URL(url, encoded=True), data=body, headers=headers, skip_auto_headers=["Content-Type"]
    ) as answer:
        await answer.read()
        return answer.status


async def post(client: aiohttp.ClientSession, form: SignedForm, body: bytes, **changes: str | None) -> tuple[int, str]:
    data = aiohttp.FormData()
    for name, value in {**form.fields, **changes}.items():
        if value is not None:
            data.add_field(name, value)
    data.add_field("file", body, filename="report.txt")
    async with client.post(URL(form.url, encoded=True), data=data, allow_redirects=False) as answer:
        await answer.read()
        return answer.status, answer.headers.get("Location", "")


def signed_form(store: ObjectStore, key: str, redirect: str) -> SignedForm:
    return store.presign_post(
        key,
        min_size=1,
        max_size=len(BODY),
        content_type="text/plain",
        sha256=SHA256,
        metadata={"upload-id": "u1"},
        redirect=redirect,
        expires_in=60,
    )


def signed_put(store: ObjectStore, key: str) -> SignedPut:
    return store.presign_put(
        key,
        size=len(BODY),
        content_type="text/plain",
        sha256=SHA256,
        metadata={"upload-id": "u1"},
        expires_in=60,
    )
