"""Every instance of every service is replaced by the present version under load; the version before ran until then."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import orjson
import pytest
from busy_client import no_dead_letters
from load import SIZE, THE_END, Load
from paired_services import ADMIN, Instance, PairedServices, running_paired_services
from people import Person
from previous_version import PREVIOUS_VERSION, NotInHistory, previous_python
from webhook_receivers import Receiver

from docstore_platform.testing import eventually

pytestmark = [pytest.mark.scale, pytest.mark.timeout(1800)]

WEBHOOKS = {"NOTIFY_WEBHOOK_ALLOW_HTTP": "true", "NOTIFY_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
MIXED_SECONDS = 30
FOLDER = "/shared/"


@pytest.fixture(scope="module")
async def previous(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PairedServices]:
    """Two instances of each service, of the version before."""
    try:
        python = await asyncio.to_thread(previous_python, tmp_path_factory.mktemp("previous"))
    except NotInHistory as error:
        pytest.skip(f"A ROLLING UPGRADE FROM {PREVIOUS_VERSION[:7]} IS NOT TESTED: {error}")
    data = tmp_path_factory.mktemp("upgraded")
    async with running_paired_services(data, python=str(python), environment=WEBHOOKS) as running:
        yield running


class Followers:
    """A reader of the folder that is uploaded to, a machine that follows it, and clients that vanish."""

    def __init__(self, uploader: Person, reader: Person, receiver: Receiver) -> None:
        self.uploader, self.reader, self.receiver = uploader, reader, receiver
        self.vanished: set[str] = set()

    async def prepare(self) -> None:
        folder = await self.uploader.call("POST", "/v1/folders", {"path": FOLDER.rstrip("/")})
        await self.uploader.share(folder, self.reader)
        target = {"url": f"http://127.0.0.1:{self.receiver.port}/"}
        wish = {"file_id": folder["id"], "channel": "webhook", "target": target, "events": ["created"]}
        await self.uploader.call("POST", "/v1/subscriptions", wish)

    async def vanish(self) -> None:
        """Send the bytes of an upload, and never complete it."""
        path = f"{FOLDER}vanished {len(self.vanished)}.txt"
        upload = await self.uploader.begin(path, SIZE)
        await self.uploader.put(upload["put"], path.encode().ljust(SIZE))
        self.vanished.add(path)

    async def got(self, paths: set[str]) -> None:
        """Returns once the machine got a message of each path; those of one path all have the same id."""

        async def all_got() -> bool:
            return set(self._ids()) >= paths

        await eventually(all_got, every=0.5)
        assert {path: len(ids) for path, ids in self._ids().items() if len(ids) > 1} == {}

    def _ids(self) -> dict[str, set[str]]:
        ids = dict[str, set[str]]()
        for one in self.receiver.received:
            for item in orjson.loads(one.body)["items"]:
                ids.setdefault(item["path"], set()).add(one.headers["webhook-id"])
        return ids


async def test_a_rolling_upgrade_loses_no_request_and_no_event(
    previous: PairedServices, say: Callable[[str], None]
) -> None:
    """Both versions serve together for a while. Every request gets its proper answer; each acknowledged upload, and
    each whose client vanished, is listed, counted, found, in the journal of each reader and sent to a webhook once.
    """
    async with AsyncExitStack() as opened:
        uploader = await opened.enter_async_context(await Person.new(previous.gateway, "uploader", previous.mailbox))
        reader = await opened.enter_async_context(await Person.new(previous.gateway, "reader", previous.mailbox))
        receiver = await opened.enter_async_context(Receiver().running())
        followers = Followers(uploader, reader, receiver)
        await followers.prepare()
        load = Load(uploader, FOLDER)
        await load.begin(opened)
        began = time.monotonic()
        statuses = []
        for number in (0, 1):
            for instances in previous.instances.values():
                if instances[number:]:
                    statuses.append(await _upgrade(previous, instances[-1 - number]))
                    await followers.vanish()
            await asyncio.sleep(MIXED_SECONDS if number == 0 else 0)
        seconds = time.monotonic() - began
        ended = await load.end()
        say(f"{len(statuses)} instances upgraded in {seconds:.0f} s under {ended['answered']} requests")
        say(f"{ended.total() - ended['answered']} of them not answered properly; the slowest took {load.slowest:.1f} s")
        assert set(ended) == {"answered"}
        assert statuses == [0] * len(statuses)
        await _nothing_is_lost(followers, load)
        await no_dead_letters(previous.gateway, ADMIN)


async def _upgrade(paired: PairedServices, instance: Instance) -> int:
    status = await instance.upgrade()
    await paired.balanced(instance)
    return status


async def _nothing_is_lost(followers: Followers, load: Load) -> None:
    uploader, reader, paths = followers.uploader, followers.reader, load.paths | followers.vanished
    assert len(load.paths) > 100
    assert all(seen_changes >= load.paths for seen_changes in load.seen_changes)

    async def all_listed() -> bool:
        listed = {file["path"] for file in await uploader.every("/v1/files", path=FOLDER.rstrip("/"), limit=500)}
        return listed == paths | {FOLDER + THE_END}

    await eventually(all_listed, every=0.5)
    await uploader.counted(SIZE * len(paths))
    for person in (uploader, reader):
        changes, _ = await person.journal()
        created = Counter(change["file"]["path"] for change in changes if change["type"] == "created")
        assert {path: created[path] for path in paths} == dict.fromkeys(paths, 1)
        await person.found("txt", *paths, limit=100)
    await followers.got(paths)
