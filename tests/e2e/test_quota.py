"""Quota: uploads beyond the limit are refused before bytes are sent, and the owner is notified."""

import asyncio

import pytest
from deployments import Mailbox
from people import Person

from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

MIB = 1 << 20


async def test_uploads_over_quota_are_refused_before_sending(ada: Person, mailbox: Mailbox) -> None:
    """507, nothing reserved, and one mail however often it is tried; what fits still goes in."""
    limit = (await ada.usage())["limit"]
    wish = {"path": "/huge.bin", "size": limit + 1, "method": "multipart"}
    for _ in range(3):
        assert await ada.refused("POST", "/v1/uploads", wish) == (507, "over_quota")
    assert (await ada.usage())["reserved"] == 0

    async def mailed() -> int:
        return sum("Not enough storage" in mail.subject for mail in mailbox.of(ada.email))

    await eventually(mailed)
    await ada.upload("/small.txt", b"fits")
    await ada.counted(4)
    assert await mailed() == 1


async def test_open_uploads_reserve_their_room(ada: Person) -> None:
    """What is under way counts against the limit; giving it up makes the room free again."""
    limit = (await ada.usage())["limit"]
    part = limit // 2 + 1
    method = "put" if part < 5 << 30 else "multipart"
    upload = await ada.begin("/a.bin", part, method)
    assert (await ada.usage())["reserved"] == part
    wish = {"path": "/b.bin", "size": part, "method": method}
    assert await ada.refused("POST", "/v1/uploads", wish) == (507, "over_quota")
    await ada.call("DELETE", f"/v1/uploads/{upload['id']}")
    await ada.counted(0)
    second = await ada.begin("/b.bin", part, method)
    await ada.call("DELETE", f"/v1/uploads/{second['id']}")
    await ada.counted(0)


async def test_concurrent_uploads_never_exceed_the_quota(ada: Person) -> None:
    """Fifty uploads at the same time that together exceed the limit: the sum never does."""
    limit = (await ada.usage())["limit"]
    size = limit // 20
    wishes = [{"path": f"/{number}.bin", "size": size, "method": "put"} for number in range(50)]
    answers = await asyncio.gather(*(ada.ask("POST", "/v1/uploads", wish) for wish in wishes))
    accepted = [answer.json() for answer in answers if answer.status == 201]
    assert len(accepted) == limit // size
    assert {answer.json()["code"] for answer in answers if answer.status != 201} == {"over_quota"}
    assert (await ada.usage())["reserved"] == len(accepted) * size
    await asyncio.gather(*(ada.call("DELETE", f"/v1/uploads/{upload['id']}") for upload in accepted))
    await ada.counted(0)


async def test_over_the_limit_and_back(grace: Person, mailbox: Mailbox, small_limits: None) -> None:
    """A smaller plan than one's files: flag, mail, no new upload; after a purge mail again and room again."""

    async def mailed(subject: str) -> None:
        async def arrived() -> bool:
            return any(subject in mail.subject for mail in mailbox.of(grace.email))

        await eventually(arrived)

    async def over_quota(expected: bool) -> None:
        async def as_expected() -> bool:
            return bool((await grace.usage())["over_quota"] is expected)

        await eventually(as_expected)

    file = await grace.upload("/big.bin", bytes(9 * MIB))
    await grace.counted(9 * MIB)
    await grace.call("PUT", "/v1/me/plan", {"plan": "free"})
    await over_quota(True)
    await mailed("Your storage is full")
    wish = {"path": "/more.txt", "size": 1, "method": "put"}
    assert await grace.refused("POST", "/v1/uploads", wish) == (507, "over_quota")
    await grace.call("DELETE", f"/v1/files/{file['id']}")
    await grace.call("DELETE", f"/v1/trash/{file['id']}")
    await over_quota(False)
    await mailed("You have storage space again")
    await grace.upload("/more.txt", b"x")
    await grace.counted(1)
