"""Small files of WebDAV, when upload can't do all of it in one request."""

import asyncio
from base64 import b64decode
from typing import Any, cast

from docstore_gateway.dav.protocol.calls import Api
from docstore_gateway.dav.protocol.headers import Target
from docstore_gateway.dav.uploads.small_files import SmallFile, SmallFiles
from docstore_gateway.dav.uploads.uploading import Uploader
from docstore_gateway.proxy.object_urls import ObjectUrls
from docstore_platform.errors import Unavailable, invalid
from docstore_platform.security.tokens import Principal

BEGUN = {"id": "u1", "state": "initiated", "put": {"url": "store", "headers": {}}}


class FakeUpload:
    """The upload service and the store: notes what it gets."""

    def __init__(self, *, is_old: bool = False, can_commit: bool = True) -> None:
        self.is_old, self.can_commit = is_old, can_commit
        self.calls: list[str] = []
        self.stored = b""

    async def send(self, _: str, method: str, path: str, body: Any = None) -> Any:
        self.calls.append(f"{method} {path}")
        if path == "/v1/packs":
            return {"id": "p1", "state": "initiated", "files": body["files"]}
        if path != "/v1/uploads":
            return {"path": "/a"}
        if "content" not in body:
            return BEGUN
        if self.is_old:
            raise invalid("content: Extra inputs are not permitted")
        self.stored = b64decode(body["content"])
        return BEGUN | ({"state": "completed", "file": {"path": "/a"}} if self.can_commit else {})

    async def put(self, _: str, __: Any, content: bytes, ___: int) -> str:
        self.calls.append("PUT")
        self.stored = content
        return "etag"


def uploader(upload: FakeUpload) -> Uploader:
    return Uploader(cast("Api", upload), cast("ObjectUrls", upload))


async def test_one_request_is_enough() -> None:
    """The upload service stores and commits the content."""
    upload = FakeUpload()
    assert await uploader(upload).small({"path": "/a"}, b"abc") == {"path": "/a"}
    assert (upload.calls, upload.stored) == (["POST /v1/uploads"], b"abc")


async def test_an_upload_service_of_the_release_before_gets_three() -> None:
    """It refuses the unknown field; during a rolling upgrade no PUT fails for that."""
    old = FakeUpload(is_old=True)
    assert await uploader(old).small({"path": "/a"}, b"abc") == {"path": "/a"}
    assert old.calls == ["POST /v1/uploads", "POST /v1/uploads", "PUT", "POST /v1/uploads/u1/complete"]
    assert old.stored == b"abc"


async def test_what_is_stored_but_not_committed_is_completed() -> None:
    """Without sending it again."""
    upload = FakeUpload(can_commit=False)
    assert await uploader(upload).small({"path": "/a"}, b"abc") == {"path": "/a"}
    assert upload.calls == ["POST /v1/uploads", "POST /v1/uploads/u1/complete"]


async def test_files_of_a_pack_that_is_not_committed_are_refused_for_now() -> None:
    """Each client is told to send its file again; none is told that it is stored."""
    upload = FakeUpload()
    small, client = SmallFiles(cast("ObjectUrls", upload)), Principal("a1", "s1", "user", "laptop")
    files = [SmallFile(cast("Api", upload), Target("/dav", f"/{name}"), {}, b"abc") for name in "abc"]
    outcomes = await asyncio.gather(*(small.store(client, file) for file in files), return_exceptions=True)
    assert upload.calls == ["POST /v1/packs"]
    assert [type(outcome) for outcome in outcomes] == 3 * [Unavailable]
