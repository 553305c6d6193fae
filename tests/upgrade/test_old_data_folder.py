"""A data folder that the version before has written starts, serves and syncs with the present one."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from busy_client import no_dead_letters
from old_data_folder import (
    HANGING_PORT,
    LINK_PASSWORD,
    MANY,
    PENDING,
    REFUSING_PORT,
    WAITS,
    Facts,
    differences,
    make_young,
    opened_databases,
    person_of,
    seen,
    unpack,
)
from old_data_folder import tree as files_of
from people import PASSWORD, Person
from stacks import DetachedStack, run
from standardwebhooks.webhooks import Webhook
from synced_folders import Command, tree, write
from webhook_receivers import Receiver

from docstore_platform.testing import eventually
from docstore_standalone.stack import ADMIN_EMAIL
from docstore_sync.local.scan import identity_of
from docstore_sync.state_folder import state_folder

pytestmark = [pytest.mark.connected, pytest.mark.faults]


@dataclass
class Upgraded:
    """The folder under the present version."""

    place: Path
    facts: Facts
    stack: DetachedStack
    receivers: list[Receiver]
    people: dict[str, Person] = field(default_factory=dict)


@pytest.fixture(scope="module")
async def upgraded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Upgraded]:
    """Unpacked, started as it is, and everyone goes on with the refresh token that they had."""
    place = tmp_path_factory.mktemp("old")
    facts = await asyncio.to_thread(unpack, place)
    await make_young(place / "data", facts)
    stack = DetachedStack(place / "data", WAITS)
    receivers = [Receiver(), Receiver()]
    async with AsyncExitStack() as opened:
        for receiver, port in zip(receivers, (HANGING_PORT, REFUSING_PORT), strict=True):
            await opened.enter_async_context(receiver.running(port=port))
        opened.push_async_callback(stack.down)
        await stack.up()
        folder = Upgraded(place, facts, stack, receivers)
        for name, login in facts.people.items():
            person = await opened.enter_async_context(person_of(stack.gateway, login, stack.mailbox))
            await person.refresh()
            folder.people[name] = person
        yield folder


@pytest.mark.parametrize("name", ["ada", "grace", "hannah", "penny", "uma"])
async def test_people_see_what_they_saw(upgraded: Upgraded, name: str) -> None:
    """Files, versions, history, tags, trash, shares, links, subscriptions, notifications, journal, quota: the same."""
    before = upgraded.facts.people[name].seen
    now = await seen(upgraded.people[name])
    assert differences(before, now) == []


async def test_contents_of_every_method_are_the_same(upgraded: Upgraded) -> None:
    """Each version's bytes: put, form, multipart, credentials, blocks, packs, restored, copied, synced."""
    owners = {login.id: name for name, login in upgraded.facts.people.items()}
    assert len(upgraded.facts.contents) > 30
    for key, digest in upgraded.facts.contents.items():
        account_id, file_id, version = key.split("/")
        content = await upgraded.people[owners[account_id]].content(file_id, int(version))
        assert sha256(content).hexdigest() == digest, key


async def test_passwords_and_devices_are_known(upgraded: Upgraded) -> None:
    """The old password logs in, and a device is recognised by its token: only another one is announced."""
    ada = upgraded.people["ada"]
    phone = {"email": ada.email, "password": PASSWORD, "device_name": "Phone"}
    session = await ada.call("POST", "/v1/sessions", phone | {"device_token": upgraded.facts.device_token})
    assert session["account"]["plan"] == "premium"
    await ada.call("POST", "/v1/sessions", phone | {"device_name": "Tablet"})

    async def announced() -> list[str]:
        mails = [one for one in upgraded.stack.mailbox.of(ada.email) if one.subject == "New log-in to your account"]
        return [device for one in mails for device in ("- Phone", "- Tablet") if device in one.text]

    async def tablet_is_announced() -> bool:
        return "- Tablet" in await announced()

    await eventually(tablet_is_announced)
    assert await announced() == ["- Phone", "- Tablet"]


async def test_search_finds_old_and_new(upgraded: Upgraded) -> None:
    """By name, and for premium by text; what is uploaded now comes to it."""
    ada = upgraded.people["ada"]
    await ada.found("credentials", "/by credentials.txt")
    await ada.found("walrus", "/by put.txt", "/copies/walrus.txt", **{"in": "content"})
    await ada.upload("/copies/new walrus.txt", b"another walrus", content_type="text/plain")
    paths = ("/by put.txt", "/copies/walrus.txt", "/copies/new walrus.txt")
    await ada.found("walrus", *paths, **{"in": "content"})


async def test_links_open(upgraded: Upgraded) -> None:
    """With and without a password, by the tokens that were given away."""
    async with Person(upgraded.stack.gateway) as visitor:
        opened = await visitor.call("POST", f"/v1/links/{upgraded.facts.links['open']['token']}/open", {})
        assert opened["file"]["name"] == "plan.txt"
        locked = f"/v1/links/{upgraded.facts.links['locked']['token']}"
        assert await visitor.refused("POST", f"{locked}/open", {}) == (403, "link_password")
        opened = await visitor.call("POST", f"{locked}/open", {"password": LINK_PASSWORD})
        answer = await visitor.ask("GET", f"{locked}/content?grant={opened['grant']}")
        assert answer.status in (200, 302)


async def test_shares_that_waited_are_granted(upgraded: Upgraded) -> None:
    """To who signs up now with the address, and to who had signed up and proves it now."""
    uma = upgraded.people["uma"]
    async with Person(upgraded.stack.gateway) as mary:
        mary.email, mary.mailbox = upgraded.facts.mary, upgraded.stack.mailbox
        await mary.sign_up(mary.email, PASSWORD)
        assert await mary.every("/v1/shared-with-me") == []
        await uma.call("POST", "/v1/me/email-verification", {})
        for person in (mary, uma):
            await person.verify_email()

            async def granted(person: Person = person) -> Any:
                return await person.every("/v1/shared-with-me")

            (shown,) = await eventually(granted)
            assert (shown["name"], shown["permission"]) == ("plan.txt", "viewer")
            assert await person.content(shown["id"]) == b"the second plan of the team"


async def test_journals_go_on(upgraded: Upgraded) -> None:
    """After the old cursor there are the later changes, and nothing else; followers are notified."""
    ada, grace = upgraded.people["ada"], upgraded.people["grace"]
    behind = upgraded.facts.people["grace"].seen["journal"][1]
    (shown,) = await grace.every("/v1/shared-with-me")
    await ada.upload("/since.txt", b"since", parent_id=shown["id"])
    since, _ = await grace.journal(behind)
    assert [(change["type"], change["file"]["path"]) for change in since] == [("created", "/team/since.txt")]
    assert await grace.content(since[0]["file"]["id"]) == b"since"
    title = "since.txt was created"

    async def notified() -> bool:
        mailed = any(mail.subject == title for mail in upgraded.stack.mailbox.of(grace.email))
        return mailed and any(one["title"] == title for one in await grace.every("/v1/notifications"))

    await eventually(notified)


async def test_uploads_in_flight_are_completed(upgraded: Upgraded) -> None:
    """By each method, with what had been sent before; what is counted agrees, and nothing stays reserved."""
    penny, pending = upgraded.people["penny"], upgraded.facts.pending
    begun = await penny.call("GET", f"/v1/uploads/{pending['put']['id']}")
    await penny.put(begun["put"], PENDING["put"])
    await penny.complete(begun)
    begun = await penny.call("GET", f"/v1/uploads/{pending['multipart']['id']}")
    size, (sent,) = begun["multipart"]["part_size"], begun["multipart"]["sent"]
    parts = await penny.call("POST", f"/v1/uploads/{begun['id']}/parts", {"numbers": [2]})
    etag = await penny.put_part(parts["parts"][0]["url"], PENDING["multipart"][size:])
    await penny.complete(begun, {"parts": [{"number": 1, "etag": sent["etag"]}, {"number": 2, "etag": etag}]})
    content = PENDING["blocks"]
    await penny.complete(pending["blocks"], {"blocks": [{"hash": sha256(content).hexdigest(), "size": len(content)}]})
    files = await files_of(penny)
    assert {file["path"] for file in files} == {pending[method]["path"] for method in PENDING}
    assert {await penny.content(file["id"]) for file in files} == set(PENDING.values())
    await penny.counted(sum(file["size"] for file in files))


async def test_unfinished_work_of_killed_services_is_completed(upgraded: Upgraded) -> None:
    """Events not yet sent, a walk through a trashed folder, messages under a lease and after failures, a reset, and an
    upload whose client vanished.
    """
    otto, late = upgraded.people["otto"], b"late but acknowledged"
    for receiver, secret in zip(upgraded.receivers, upgraded.facts.webhook_secrets, strict=True):

        async def got_both(receiver: Receiver = receiver) -> bool:
            return len({one.headers["webhook-id"] for one in receiver.received}) >= 2

        await eventually(got_both)
        messages = [Webhook(secret).verify(one.body, dict(one.headers)) for one in receiver.received]
        paths = [item["path"] for message in messages for item in message["items"]]
        assert list(dict.fromkeys(paths)) == ["/watched/one.txt", "/watched/late.txt"]
    assert await otto.content(upgraded.facts.late["id"]) == late
    await otto.found("late", "/watched/late.txt")
    await otto.found("number")
    assert [node["path"] for node in await otto.every("/v1/trash")] == ["/many"]
    await otto.counted(sum(map(len, MANY.values())) + len(b"one") + len(late) + len(b"vanished"))

    async def mailed() -> bool:
        mails = upgraded.stack.mailbox.of(otto.email)
        reset = any(mail.subject == "Reset your password" for mail in mails)
        # One mail names all uploads that are due together.
        return reset and any(mail.subject.startswith("Uploaded") and "late.txt" in mail.text for mail in mails)

    await eventually(mailed)
    changes, _ = await otto.journal()
    types = [(change["type"], change["file"]["path"]) for change in changes]
    for path in ("/watched/late.txt", "/by a client that vanished.txt"):
        assert types.count(("created", path)) == 1


async def test_a_synced_folder_goes_on(upgraded: Upgraded) -> None:
    """Nothing travels again; what changes then travels both ways."""
    hannah, folder = upgraded.people["hannah"], upgraded.place / "synced"
    device = Command(upgraded.place / "home")
    _settle_in(device, folder)
    await device.log_in(hannah.gateway, hannah.email, PASSWORD)
    before, uploads = tree(folder), len(await hannah.every("/v1/uploads"))
    assert (await device.sync(folder))["steps"] == {}
    assert tree(folder) == before
    assert len(await hannah.every("/v1/uploads")) == uploads
    write(folder / "small" / "3.txt", "edited here")
    (folder / "small" / "4.txt").unlink()
    await hannah.upload("/later.txt", b"later")
    await device.sync(folder)
    assert (folder / "later.txt").read_bytes() == b"later"
    assert "4.txt" not in await hannah.names("/small")
    edited = await hannah.call("GET", "/v1/files/by-path?path=/small/3.txt")
    assert (edited["version"], await hannah.content(edited["id"])) == (2, b"edited here")


def _settle_in(device: Command, folder: Path) -> None:
    """The state knows the folder by where it is and its inode, which unpacking changes."""
    states = device.home / "state" / "docstore" / "sync"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_STATE_HOME", str(device.home / "state"))
        (known,) = states.iterdir()
        known.rename(state_folder(folder))
        with sqlite3.connect(state_folder(folder) / "state.sqlite") as state:
            state.execute("UPDATE about SET value = ? WHERE name = 'root'", (identity_of(folder.stat()),))


async def test_contents_are_encrypted(upgraded: Upgraded) -> None:
    """All that the version before stored in clear, once its uploads in parts are completed."""

    async def encrypted() -> bool:
        return (upgraded.stack.data / "object-store" / "encrypted").exists()

    await eventually(encrypted)
    assert await upgraded.stack.bucket.in_clear() == []


async def test_backup_works_and_nothing_is_dead_lettered(upgraded: Upgraded, tmp_path: Path) -> None:
    """At the end: no dead letter, an audit log that verifies, and a backup."""
    admin = (ADMIN_EMAIL, upgraded.stack.admin_password)
    await no_dead_letters(upgraded.stack.gateway, admin)
    async with Person(upgraded.stack.gateway) as operator:
        await operator.log_in(*admin)
        checked = await operator.call("GET", "/v1/admin/audit/verify")
        assert (checked["broken"], checked["not_compared"]) == (None, None), checked
    status, output = await run("backup", str(tmp_path / "backups"), "--data", str(upgraded.stack.data))
    assert status == 0, output
    mongodb = upgraded.stack.state.addresses["mongodb"]
    async with opened_databases(upgraded.stack.data, mongodb) as mongo:
        for name in await mongo.database_names("docstore_"):
            outbox = mongo.database(name)["outbox"]

            async def sent(outbox: Any = outbox) -> bool:
                return not await outbox.count_documents({"state": "pending"})

            await eventually(sent)
