"""Many small files written at the same time, which the gateway stores together."""

import asyncio
import hashlib
from base64 import b64encode
from collections import Counter

import pytest
from dav_accounts import DavAccount

from docstore_platform.testing import eventually

pytestmark = pytest.mark.doors
CLIENTS, EACH = 8, 25


async def test_files_written_at_once_are_each_stored(dav: DavAccount) -> None:
    """Every PUT that is acknowledged has its own content, time and type, also where two write one name."""
    await dav.request("MKCOL", "/many")
    contents = {f"/many/{n}-{m}.txt": f"{n} {m}\n".encode() * m for n in range(CLIENTS) for m in range(EACH)}

    async def client(number: int) -> list[int]:
        statuses = []
        for path in list(contents)[number::CLIENTS]:
            checksum = f"SHA1:{hashlib.sha1(contents[path]).hexdigest()}"
            sent = {"oc_checksum": checksum, "x_oc_mtime": "1000000000", "content_type": "text/x-log"}
            statuses.append((await dav.request("PUT", path, contents[path], **sent))[0])
            statuses.append((await dav.request("PUT", "/many/same", path.encode()))[0])
        return statuses

    statuses = Counter(each for some in await asyncio.gather(*map(client, range(CLIENTS))) for each in some)
    assert statuses == {201: len(contents) + 1, 204: len(contents) - 1}
    for path, content in contents.items():
        status, headers, body = await dav.request("GET", path)
        assert (status, body) == (200, content), path
        assert (headers["last-modified"], headers["content-type"]) == ("Sun, 09 Sep 2001 01:46:40 GMT", "text/x-log")
    same = await dav.person.call("GET", "/v1/files/by-path?path=/many/same")
    assert same["version"] == len(contents)
    assert (await dav.request("GET", "/many/same"))[2].decode() in contents

    async def nothing_is_reserved() -> bool:
        return bool((await dav.person.usage())["reserved"] == 0)

    await eventually(nothing_is_reserved)  # by the events of the uploads
    notices = (await dav.person.call("GET", "/v1/notifications"))["items"]
    assert [each for each in notices if each["kind"] == "upload_done"] == []


async def test_each_of_the_files_written_at_once_has_its_own_outcome(dav: DavAccount) -> None:
    """What one may not write, a wrong checksum or a missing folder refuses that file, and no other."""
    await dav.request("MKCOL", "/folder")
    reader = "Basic " + b64encode(f"{dav.person.email}:{await dav.new_password('files:read')}".encode()).decode()
    wrong = {"oc_checksum": "SHA1:00"}
    asked = {
        "/good": (201, {}),
        "/folder": (405, {}),
        "/none/file": (409, {}),
        "/also good": (201, {}),
        "/wrong": (400, wrong),
        "/not mine": (403, {"authorization": reader}),
    }
    for _ in range(3):
        answers = await asyncio.gather(
            *(dav.request("PUT", path.replace(" ", "%20"), b"x", **headers) for path, (_, headers) in asked.items())
        )
        statuses = dict(zip(asked, (status for status, _, _ in answers), strict=True))
        assert {path: 201 if status == 204 else status for path, status in statuses.items()} == {
            path: status for path, (status, _) in asked.items()
        }
    assert await dav.person.names() == ["folder", "also good", "good"]
