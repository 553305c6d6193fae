"""Large files in folders of chunks, as Nextcloud's clients send them."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import pytest
from dav_accounts import DavAccount

pytestmark = pytest.mark.doors
MIB = 1 << 20
CONTENT = os.urandom(11 * MIB + 7)
CHUNKS = (CONTENT[: 5 * MIB], CONTENT[5 * MIB : 11 * MIB], CONTENT[11 * MIB :])
"""Of different lengths, as clients choose them by the speed of the connection."""


@dataclass
class Transfer:
    """A folder of chunks, and the path of the file that they become."""

    dav: DavAccount
    number: int
    path: str

    @property
    def destination(self) -> str:
        return f"{self.dav.gateway}/remote.php/dav/files/{self.dav.person.email}{self.path}"

    async def ask(self, method: str, name: str = "", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        folder = replace(self.dav, mount=f"/remote.php/dav/uploads/{self.dav.person.email}/{self.number}")
        encoded = quote(self.destination)  # colons too, as the desktop client writes it
        headers = {"destination": encoded, "oc_total_length": str(len(CONTENT)), **headers}
        status, _, answer = await folder.request(method, name, body, **headers)
        return status, answer

    async def send(self, numbers: Sequence[int] = (1, 2, 3)) -> list[int]:
        """Statuses of these chunks."""
        return [(await self.ask("PUT", f"/{number:05}", CHUNKS[number - 1]))[0] for number in numbers]

    async def finish(self, **headers: str) -> int:
        return (await self.ask("MOVE", "/.file", **headers))[0]


async def test_chunks_of_any_length_become_a_file(dav: DavAccount) -> None:
    """In whatever order they come; the last request brings time and checksum. Sent again, it answers the same."""
    transfer = Transfer(dav, 1, "/large")
    checksum = f"SHA256:{hashlib.sha256(CONTENT).hexdigest()}"
    assert (await transfer.ask("MKCOL"))[0] == 201
    assert await transfer.send((3, 1, 2)) == [201, 201, 201]
    assert await dav.person.names() == []
    for _ in range(2):
        assert await transfer.finish(x_oc_mtime="1700000000", oc_checksum=checksum) == 201
    file = await dav.person.call("GET", "/v1/files/by-path?path=/large")
    assert (file["version"], file["client_modified_at"]) == (1, "2023-11-14T22:13:20.000Z")
    assert await dav.person.content(file["id"]) == CONTENT


async def test_an_interrupted_transfer_goes_on(dav: DavAccount) -> None:
    """The folder lists the chunks that are stored, with their lengths; without all of them there is no file."""
    transfer = Transfer(dav, 2, "/large")
    assert (await transfer.ask("PROPFIND", depth="1"))[0] == 404
    assert (await transfer.ask("MKCOL"))[0] == 201
    assert await transfer.send((1, 2)) == [201, 201]
    status, listing = await transfer.ask("PROPFIND", depth="1")
    assert status == 207
    assert re.findall(r"/(\d{5})<.*?getcontentlength>(\d+)<", listing.decode()) == [
        ("00001", str(5 * MIB)),
        ("00002", str(6 * MIB)),
    ]
    assert await transfer.finish() == 409
    assert await transfer.send((3,)) == [201]
    assert await transfer.finish() == 201


async def test_what_replaces_a_file_may_name_its_state(dav: DavAccount) -> None:
    """The state is the destination's: with another one there, nothing is replaced."""
    await dav.request("PUT", "/large", b"before")
    _, headers, _ = await dav.request("HEAD", "/large")
    transfer = Transfer(dav, 3, "/large")
    assert await transfer.send() == [201, 201, 201]  # without MKCOL, too
    assert await transfer.finish(**{"if": f'<{transfer.destination}> (["other"])'}) == 412
    assert await transfer.finish(**{"if": f"<{transfer.destination}> ([{headers['etag']}])"}) == 204
    assert (await dav.person.call("GET", "/v1/files/by-path?path=/large"))["version"] == 2


async def test_a_transfer_that_is_given_up_stores_nothing(dav: DavAccount) -> None:
    """By a wrong checksum or by DELETE; the quota is free again. Other accounts have other folders."""
    wrong, deleted = Transfer(dav, 4, "/large"), Transfer(dav, 5, "/large")
    assert await wrong.send() == [201, 201, 201]
    assert await wrong.finish(oc_checksum=f"SHA256:{'0' * 64}") == 400
    assert await deleted.send((1,)) == [201]
    assert (await deleted.ask("DELETE"))[0] == 204
    assert await deleted.finish() == 409
    assert (await deleted.ask("PROPFIND", depth="1"))[0] == 404  # so the client begins anew
    assert await dav.person.names() == []
    await dav.person.counted(0)
    foreign = replace(dav, mount="/remote.php/dav/uploads/somebody@example.org")
    assert (await foreign.request("PROPFIND", "/4"))[0] == 403


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        ("/0", {}, 400),
        ("/10001", {}, 400),
        ("/one", {}, 400),
        ("/1", {"oc_total_length": "x"}, 400),
        ("/1", {"oc_total_length": "1"}, 400),
        ("/1", {"destination": "http://elsewhere.example/remote.php/dav/files/x/y"}, 502),
        ("/.file", {}, 405),
        ("/1/2", {}, 404),
    ],
)
async def test_what_is_no_chunk_is_refused(dav: DavAccount, name: str, headers: dict[str, str], status: int) -> None:
    """Other names, lengths and targets, as WebDAV refuses them."""
    transfer = Transfer(dav, 6, "/large")
    assert (await transfer.ask("PUT", name, b"some", **headers))[0] == status
