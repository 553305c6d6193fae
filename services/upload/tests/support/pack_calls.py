"""Calls of clients about packs, and the remaining state of the stores."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from upload_stack import Stack

from docstore_contents.packs import Slice, index_bytes
from docstore_platform.testing import eventually


def wish(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": sha256(content).hexdigest()}


def packed(pack: Any, contents: list[bytes]) -> bytes:
    """As a client makes it of the answer that it got."""
    places = [Slice(**place) for place in pack["files"] if "number" in place]
    return b"".join(contents[place.number] for place in places) + index_bytes(places)


async def initiate(stack: Stack, files: Mapping[str, bytes]) -> Any:
    return await stack.person.ok("POST", "/v1/packs", {"files": [wish(path, data) for path, data in files.items()]})


async def send(stack: Stack, pack: Any, files: Mapping[str, bytes]) -> None:
    assert await stack.put(pack["put"], packed(pack, list(files.values()))) == 200


async def complete(stack: Stack, pack: Any) -> list[Any]:
    answers: list[Any] = (await stack.person.ok("POST", f"/v1/packs/{pack['id']}/complete"))["files"]
    return answers


async def row(stack: Stack, pack: Any) -> Any:
    return await stack.database["packs"].find_one({"_id": pack["id"]})


def key(stack: Stack, pack: Any, number: int | None = None) -> str:
    whole = f"accounts/{stack.person.account_id}/packs/{pack['id']}"
    return whole if number is None else f"{whole}/{number}"


async def settled_pack(stack: Stack, files: Mapping[str, bytes]) -> Any:
    pack = await initiate(stack, files)
    await send(stack, pack, files)
    await complete(stack, pack)

    async def is_settled() -> bool:
        return (await row(stack, pack)).get("settled") is True

    await eventually(is_settled)
    return pack
