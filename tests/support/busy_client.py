"""A client that uploads during faults and remembers what was acknowledged."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from deployments import DELIVERY_HEADER, Bucket, Mailbox
from people import PASSWORD, Person

from docstore_cli.api import ApiError
from docstore_client.network.connection import ApiResponse
from docstore_platform.testing import eventually

T = TypeVar("T")

CALL_SECONDS = 15.0
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 60.0
"""How long a client keeps trying, and how long everything may take to be as it was promised."""
WORD = "cormorant"
"""In the name of every file, so that one search finds them all."""
UPLOADED = "uploaded"
MAILED = re.compile(r"^- (/busy/.+?) (?:\(|was (\w+))", re.MULTILINE)
"""A file in a mail about uploads, or in one about changes to what its receiver follows, with the change."""

Notices = Counter[tuple[str, str]]
"""How often someone is notified that a path was `UPLOADED`, or of the type of a followed change to it."""


class StartOver(Exception):
    """This upload can't be completed any more: a client begins another."""


@dataclass
class Promises:
    """What the API has acknowledged: files by path, with their sizes."""

    files: dict[str, int] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    """Why calls failed or were refused for a while."""


class LastingPerson(Person):
    """Someone who logs in again when the access token has expired, as after an hour."""

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self._logging_in = asyncio.Lock()

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> ApiResponse:
        used = self.access_token
        answer = await super().ask(method, path, body, headers)
        if answer.status != 401 or not used:
            return answer
        async with self._logging_in:
            if self.access_token == used:
                async with Person(self.gateway) as again:
                    await again.log_in(self.email, PASSWORD)
                    self.access_token, self.refresh_token = again.access_token, again.refresh_token
        return await super().ask(method, path, body, headers)


class BusyClient:
    """One person's program; it retries what fails for a while, as the README asks of clients."""

    def __init__(self, gateway: Callable[[], str], workers: int = 2) -> None:
        self._gateway = gateway
        self._workers = workers
        self.promises = Promises()
        self._number = 0
        self._is_patient = False
        self._patient_until = 0.0

    async def __aenter__(self) -> "BusyClient":
        self.person = await LastingPerson.new(self._gateway(), "busy")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.person.__aexit__()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Uploads go on until the block ends; those under way then are finished. A failure ends block and uploads."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._workers):
                tasks.create_task(self._work(stop))
            yield
            stop.set()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """For an outage that the test ends: until then uploads are tried again without a limit, which counts anew."""
        self._is_patient = True
        try:
            yield
        finally:
            self._is_patient = False
            self._patient_until = time.monotonic()

    async def promised(self, more: int) -> None:
        """Returns once so many more uploads are acknowledged, to whichever worker. None for too long is a failure."""
        files = self.promises.files
        wanted = len(files) + more
        while (before := len(files)) < wanted:

            async def another(before: int = before) -> bool:
                return len(files) > before

            await eventually(another, seconds=PATIENCE_SECONDS)

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await Steps(self).go_on()

    def next_path(self) -> str:
        self._number += 1
        return f"/busy/{WORD} {self._number:05}.txt"

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Try until it works. StartOver once the upload has expired or is gone, TimeoutError once patience ends."""
        began = time.monotonic()
        while self._is_patient or time.monotonic() - max(began, self._patient_until) < PATIENCE_SECONDS:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    return await call()
            except ApiError as error:
                if error.code in ("upload_expired", "object_store"):
                    raise StartOver from None
                if error.status < 500 and error.code != "idempotency_in_progress":
                    raise
                reason = f"{error.status} {error.code}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = repr(error)
            self.promises.refusals.append(reason)
            self.person.gateway = self._gateway()
            await asyncio.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"no success in {PATIENCE_SECONDS} s")

    async def put_once(self, upload: dict[str, Any], content: bytes) -> None:
        """Send the bytes of an upload; ConnectionError while the store does not take them."""
        try:
            await self.person.put(upload["put"], content)
        except ApiError as error:
            if error.status >= 500:
                raise ConnectionError from None
            if error.status != 412:  # an earlier try has arrived, though its answer has not
                raise


def content_of(path: str) -> bytes:
    return f"the text of {path}".encode()


class Steps:
    """One upload, step by step, so that something can die in between."""

    def __init__(self, client: BusyClient) -> None:
        self._client, self._person = client, client.person
        self.path = client.next_path()
        self.content = content_of(self.path)
        self.upload: dict[str, Any] = {}
        self.file: dict[str, Any] = {}
        """As it was when it was completed."""
        self._tries = 0

    async def begin(self) -> "Steps":
        """A call that is repeated begins no second upload."""
        self._tries += 1
        body = {"path": self.path, "size": len(self.content), "method": "put"}
        key = {"idempotency-key": f"{self.path} {self._tries}"}
        self.upload = await self._client.insist(lambda: self._person.call("POST", "/v1/uploads", body, key))
        return self

    async def send(self) -> "Steps":
        await self._client.insist(lambda: self._client.put_once(self.upload, self.content))
        return self

    async def complete(self) -> None:
        self.file = await self._client.insist(lambda: self._person.complete(self.upload))
        assert self.file["path"] == self.path
        self._client.promises.files[self.path] = len(self.content)

    async def go_on(self) -> None:
        """From where it is to the end; an upload that expired meanwhile is begun again."""
        while self.path not in self._client.promises.files:
            try:
                if not self.upload:
                    await self.begin()
                await self.send()
                await self.complete()
            except StartOver:
                self.upload = {}


async def everything_is_as_promised(client: BusyClient, mailbox: Mailbox, bucket: Bucket) -> set[str]:
    """Each file is listed once with its bytes, counted exactly, found once by its name, notified in one message, and
    nothing else is left; the paths of what was completed, by the client or in its absence.
    """
    person, promised = client.person, client.promises.files
    uploads = await ended_uploads(person)
    completed = [one for one in uploads if one["state"] == "completed"]
    versions = Counter(one["path"] for one in completed)
    listed = await person.every("/v1/files", path="/busy", limit=500)
    assert Counter({file["path"]: file["version"] for file in listed}) == versions, "lost, or more than one version"
    assert promised.items() <= {file["path"]: file["size"] for file in listed}.items()
    for file in listed:
        assert await person.content(file["id"]) == content_of(file["path"])
    used = sum(one["size"] for one in completed)
    await _counted_and_found(person, used, set(versions))
    await notified_exactly(mailbox, person, Counter({(path, UPLOADED): number for path, number in versions.items()}))
    await _nothing_strays(person, bucket, {one["id"] for one in completed})
    return set(versions)


async def ended_uploads(person: Person) -> list[dict[str, Any]]:
    """All uploads, once each is completed, expired or aborted."""
    uploads: list[dict[str, Any]] = []

    async def ended() -> bool:
        nonlocal uploads
        uploads = await person.every("/v1/uploads", limit=500)
        return not [one for one in uploads if one["state"] in ("initiated", "uploading")]

    await eventually(ended, seconds=PATIENCE_SECONDS, every=0.3)
    return uploads


async def _counted_and_found(person: Person, used: int, paths: set[str]) -> None:
    counted, hits = 0, [""]
    # A search ends after 10,000 hits.
    in_thousands = sorted({path.removeprefix("/busy/")[: len(WORD) + 3] for path in paths})

    async def same() -> bool:
        nonlocal counted, hits
        usage = await person.usage()
        counted = usage["used"] + usage["reserved"]
        parts = [await person.search(words, limit=100) for words in in_thousands]
        hits = sorted(hit["file"]["path"] for part in parts for hit in part)
        return usage["reserved"] == 0 and counted == used and hits == sorted(paths)

    try:
        await eventually(same, seconds=PATIENCE_SECONDS, every=0.2)
    except AssertionError:
        raise AssertionError(
            f"{await person.usage()} instead of {used} used; {len(hits)} hits for {len(paths)} files; "
            f"not found: {sorted(paths - set(hits))}; too much: {sorted(set(hits) - paths)}"
        ) from None


async def notified_exactly(mailbox: Mailbox, person: Person, expected: Notices) -> None:
    """The person's mails have each expected notice that often and no other. One sent twice, by its id, counts once."""

    def messages() -> Notices:
        by_id = {mail.headers[DELIVERY_HEADER]: mail.text for mail in mailbox.of(person.email)}
        lines = (line for text in by_id.values() for line in MAILED.findall(text))
        return Counter((path, change or UPLOADED) for path, change in lines)

    async def all_notified() -> bool:
        return messages() >= expected

    try:
        await eventually(all_notified, seconds=PATIENCE_SECONDS, every=0.3)
    except AssertionError:
        raise AssertionError(f"not notified: {expected - messages()}") from None
    too_often = messages() - expected
    assert not too_often, f"notified too often: {too_often}"


async def _nothing_strays(person: Person, bucket: Bucket, uploads: set[str]) -> None:
    """The object store has one object of each completed upload, and no other.

    One that is not listed was read before: a store that is killed in the middle of a PUT may leave it out.
    """
    stored: list[str] = []

    async def clean() -> bool:
        nonlocal stored
        stored = sorted(key.split("/")[3] for key in await bucket.keys(person.id))
        is_one_each = len(stored) == len(set(stored)) and uploads.issuperset(stored)
        return is_one_each and not await bucket.unfinished(person.id)

    try:
        await eventually(clean, seconds=PATIENCE_SECONDS, every=0.3)
    except AssertionError:
        raise AssertionError(
            f"stray: {[one for one in stored if one not in uploads or stored.count(one) > 1]}; "
            f"unfinished: {await bucket.unfinished(person.id)}"
        ) from None


async def no_dead_letters(gateway: str, admin: tuple[str, str]) -> None:
    async with Person(gateway) as operator:
        await operator.log_in(*admin)
        page = await operator.call("GET", "/v1/admin/dead-letters")
        assert page == {"items": [], "next_cursor": None, "unreachable": []}
