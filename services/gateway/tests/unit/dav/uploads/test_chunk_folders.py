"""Names in folders of chunks, and to whom these are announced."""

from typing import Any

import orjson
import pytest
from starlette.types import Message

from docstore_gateway.dav import owncloud
from docstore_gateway.dav.uploads.chunk_folders import place_of
from docstore_platform.errors import DomainError

NAMES = {"ada", "ada@example.org"}


@pytest.mark.parametrize(("name", "number"), [("1", 1), ("00001", 1), ("0000000010000", 10_000)])
def test_a_chunk_is_named_by_its_number(name: str, number: int) -> None:
    """With zeros before it or without; the account by its id or address."""
    place = place_of(f"/remote.php/dav/uploads/ada%40example.org/7/{name}".encode(), NAMES)
    assert (place.transfer, place.number) == ("7", number)
    assert place.href == "/remote.php/dav/uploads/ada%40example.org/7/"


@pytest.mark.parametrize("name", ["0", "10001", "-1", "1.5", "٣", ".file", "x", "9" * 30])
def test_other_names_are_refused(name: str) -> None:
    """They would be no part of an object."""
    with pytest.raises(DomainError, match="invalid_parts"):
        _ = place_of(f"/remote.php/dav/uploads/ada/7/{name}".encode(), NAMES).number


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "other_account"),
        ("/grace/7", "other_account"),
        ("/ada", "not_found"),
        ("/ada/7/1/2", "not_found"),
        (f"/ada/{'7' * 201}", "not_found"),
        ("/ada/../grace/7", "invalid_path"),
    ],
)
def test_what_is_no_folder_of_chunks_is_refused(path: str, code: str) -> None:
    """Another account's, the list of all, what is deeper, and tricks."""
    with pytest.raises(DomainError, match=code):
        place_of(f"/remote.php/dav/uploads{path}".encode(), NAMES)


@pytest.mark.parametrize(
    ("program", "is_announced"),
    [
        ("Mozilla/5.0 (Linux) mirall/3.11.0 (Nextcloud, debian-6.1)", True),
        ("Mozilla/5.0 (Linux) mirall/33.0.1 (Nextcloud, debian-6.1)", True),
        ("Mozilla/5.0 (iOS) Nextcloud-iOS/6.0.0", True),
        ("Mozilla/5.0 (Linux) mirall/3.7.3git (nextcloudcmd, debian-6.1)", False),
        ("Mozilla/5.0 (Linux) mirall/5.3.1 (ownCloud, debian-6.1)", False),
        ("rclone/v1.69", False),
    ],
)
async def test_only_nextclouds_recent_clients_are_told(program: str, is_announced: bool) -> None:
    """Others would name chunks otherwise, or their destination only at the end."""
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    path = "/ocs/v1.php/cloud/capabilities"
    headers = [(b"user-agent", program.encode())]
    await owncloud.send_open({"path": path, "query_string": b"format=json", "headers": headers}, send)
    capabilities = orjson.loads(sent[1]["body"])["ocs"]["data"]["capabilities"]
    assert ("chunking" in capabilities["dav"]) is is_announced
