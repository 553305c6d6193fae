"""Calls that are sent again under one Idempotency-Key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gateway_calls import Caller, FakeService, Issuer, OpenGateway, Reply, Request
from starlette.types import Message

from docstore_gateway.edge.idempotency.repository import MongoIdempotencyRows
from docstore_gateway.edge.idempotency.service import Call, IdempotencyKeys, Recorder, StoredResponse
from docstore_gateway.settings import GatewaySettings
from docstore_platform.errors import DomainError
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected
BODY = b'{"path":"/a"}'


@pytest.fixture
def counted(service: FakeService) -> FakeService:
    """The service answers each call with its number."""

    async def count(request: Request) -> Reply:
        reply = Reply()
        reply.status = 201
        reply.headers |= {"location": "/v1/files/7", "etag": '"1"'}
        reply.body = b'{"call":%d}' % len(service.requests)
        return reply

    service.behave = count
    return service


def keys_of(database: Database, settings: GatewaySettings) -> IdempotencyKeys:
    rows = MongoIdempotencyRows(
        database, lease_seconds=settings.idempotency_lease_seconds, hours=settings.idempotency_lifetime_hours
    )
    return IdempotencyKeys(rows, settings)


def keyed(headers: dict[str, str], key: str = "k-1") -> dict[str, str]:
    return headers | {"idempotency-key": key}


async def test_the_same_call_has_one_effect_and_one_answer(
    open_gateway: OpenGateway, counted: FakeService, issuer: Issuer
) -> None:
    """Sent again, even to another replica, it gets the first answer with its headers, marked as repeated."""
    headers = keyed(issuer.bearer())
    async with open_gateway() as one, open_gateway() as two:
        first = await one.call("POST", "/v1/folders", headers, BODY)
        again = await two.call("POST", "/v1/folders", headers, BODY)
    assert (first.status, first.json(), first.header("idempotency-replayed")) == (201, {"call": 1}, None)
    assert (again.status, again.json(), again.header("idempotency-replayed")) == (201, {"call": 1}, "true")
    assert (again.header("location"), again.header("etag")) == ("/v1/files/7", '"1"')
    assert len([name for name, _ in again.headers if name == "x-request-id"]) == 1
    assert len(counted.requests) == 1


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("POST", "/v1/folders", b"{}"), ("POST", "/v1/folders?x=1", BODY), ("PATCH", "/v1/folders", BODY)],
)
async def test_a_key_belongs_to_one_call(
    gateway: Caller, counted: FakeService, issuer: Issuer, method: str, target: str, body: bytes
) -> None:
    """Another body, query or method under the same key is 422."""
    await gateway.call("POST", "/v1/folders", keyed(issuer.bearer()), BODY)
    answer = await gateway.call(method, target, keyed(issuer.bearer()), body)
    assert (answer.status, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(counted.requests) == 1


async def test_a_key_belongs_to_one_caller(gateway: Caller, counted: FakeService, issuer: Issuer) -> None:
    """No one gets another account's answer by guessing its key; without a login the address is the caller."""
    for headers in (issuer.bearer("ann"), issuer.bearer("bob")):
        assert (await gateway.call("POST", "/v1/folders", keyed(headers), BODY)).status == 201
    for address in ("203.0.113.1", "203.0.113.2"):
        await gateway.at(address).call("POST", "/v1/accounts", keyed({}), BODY)
    assert len(counted.requests) == 4
    again = await gateway.at("203.0.113.1").call("POST", "/v1/accounts", keyed({}), BODY)
    assert again.header("idempotency-replayed") == "true"


async def test_while_a_call_is_being_made_the_same_one_waits(
    gateway: Caller, service: FakeService, issuer: Issuer
) -> None:
    """409 with Retry-After instead of a second effect."""
    entered, release = asyncio.Event(), asyncio.Event()

    async def hold(request: Request) -> Reply:
        entered.set()
        await release.wait()
        return Reply()

    service.behave = hold
    first = asyncio.create_task(gateway.call("POST", "/v1/folders", keyed(issuer.bearer()), BODY))
    await entered.wait()
    second = await gateway.call("POST", "/v1/folders", keyed(issuer.bearer()), BODY)
    release.set()
    assert (second.status, second.json()["code"]) == (409, "idempotency_in_progress")
    assert second.header("retry-after") == "1"
    assert (await first).status == 200
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_failure_is_not_kept(gateway: Caller, service: FakeService, issuer: Issuer, status: int) -> None:
    """After an answer that is not about the call itself, the same key may try again."""

    async def fail_once(request: Request) -> Reply:
        reply = Reply()
        reply.status = status if len(service.requests) == 1 else 200
        return reply

    service.behave = fail_once
    answers = [await gateway.call("POST", "/v1/folders", keyed(issuer.bearer()), BODY) for _ in range(2)]
    assert [answer.status for answer in answers] == [status, 200]


async def test_a_service_that_breaks_frees_the_key(gateway: Caller, service: FakeService, issuer: Issuer) -> None:
    """An exception on the way leaves no key taken."""

    async def break_once(request: Request) -> Reply:
        if len(service.requests) == 1:
            raise RuntimeError("broken")
        return Reply()

    service.behave = break_once
    answers = [await gateway.call("POST", "/v1/folders", keyed(issuer.bearer()), BODY) for _ in range(2)]
    assert [answer.status for answer in answers] == [500, 200]


async def test_refusals_are_kept(gateway: Caller, service: FakeService, issuer: Issuer) -> None:
    """A conflict stays a conflict: the repeated call is not tried on newer data."""

    async def refuse(request: Request) -> Reply:
        reply = Reply()
        reply.status = 409
        return reply

    service.behave = refuse
    for _ in range(2):
        assert (await gateway.call("POST", "/v1/folders", keyed(issuer.bearer()), BODY)).status == 409
    assert len(service.requests) == 1


async def secret(request: Request, service: FakeService) -> Reply:
    """An answer that is shown once."""
    reply = Reply()
    reply.headers |= {"cache-control": "no-store"}
    reply.body = b'{"secret":"s3cret%d"}' % len(service.requests)
    return reply


async def kept_rows(infra: InfraSettings) -> list[Any]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    rows: list[Any] = await mongo.database(infra.database_prefix + "gateway")["idempotency_keys"].find().to_list(None)
    mongo.close()
    return rows


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/sessions/refresh", "/v1/blocks/missing", "/v1/links/t/open"])
async def test_log_ins_and_questions_are_not_kept(
    gateway: Caller, service: FakeService, issuer: Issuer, infra: InfraSettings, path: str
) -> None:
    """What answers a log-in, or changes nothing, ignores the key."""
    service.behave = lambda request: secret(request, service)
    for number in (1, 2):
        answer = await gateway.call("POST", path, keyed(issuer.bearer()), BODY)
        assert answer.json() == {"secret": f"s3cret{number}"}
    assert await kept_rows(infra) == []


@pytest.mark.parametrize("path", ["/v1/files/7/links", "/v1/subscriptions", "/v1/uploads"])
async def test_a_secret_shown_once_is_repeated_for_the_same_key(
    gateway: Caller, service: FakeService, issuer: Issuer, infra: InfraSettings, path: str
) -> None:
    """A link, a webhook, an upload is made once; neither the answer nor the body can be read in the database."""
    service.behave = lambda request: secret(request, service)
    for _ in range(2):
        answer = await gateway.call("POST", path, keyed(issuer.bearer(), "the-key"), b'{"password":"hunter2"}')
        assert answer.json() == {"secret": "s3cret1"}
    assert len(service.requests) == 1
    stored = repr(await kept_rows(infra))
    assert not any(word in stored for word in ("s3cret", "hunter2", "the-key"))


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey"])
async def test_a_key_that_is_none_is_refused(gateway: Caller, service: FakeService, issuer: Issuer, key: str) -> None:
    """422 rather than a promise that can't be kept."""
    answer = await gateway.call("POST", "/v1/folders", keyed(issuer.bearer(), key), BODY)
    assert answer.status == 422
    assert service.requests == []


async def test_reading_calls_ignore_the_key(gateway: Caller, counted: FakeService, issuer: Issuer) -> None:
    """A GET is safe anyway and always fresh."""
    for _ in range(2):
        await gateway.call("GET", "/v1/files", keyed(issuer.bearer()))
    assert len(counted.requests) == 2


class Store:
    """The keys, and the power to let leases end."""

    def __init__(self, infra: InfraSettings, lease_seconds: float) -> None:
        self.mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
        self.database = self.mongo.database(infra.database_prefix + "gateway")
        settings = GatewaySettings(infra=infra, idempotency_lease_seconds=lease_seconds)
        self.keys = keys_of(self.database, settings)

    async def leases_end(self) -> None:
        """As they do while no one renews them."""
        await self.database["idempotency_keys"].update_many({}, [{"$set": {"lease_until": "$$NOW"}}])


@pytest.fixture
async def store(infra: InfraSettings) -> AsyncIterator[Store]:
    store = Store(infra, 600)
    yield store
    store.mongo.close()


async def answer_with(recorder: Recorder, body: bytes) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Message) -> None:
        sent.append(message)

    out = recorder.recording(send)
    await out({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"1"')]})
    await out({"type": "http.response.body", "body": body, "more_body": False})
    return sent


async def test_a_gateway_that_died_blocks_its_key_only_for_the_lease(store: Store) -> None:
    """After the lease another may make the call; the dead one, if it wakes, no longer changes what is kept."""
    call = Call("account:ann", "k", "POST", "/v1/folders", BODY)
    dead = await store.keys.begin(call)
    assert isinstance(dead, Recorder)
    with pytest.raises(DomainError) as caught:
        await store.keys.begin(call)
    assert caught.value.code == "idempotency_in_progress"

    await store.leases_end()
    heirs = await asyncio.gather(*(store.keys.begin(call) for _ in range(5)), return_exceptions=True)
    [heir] = [outcome for outcome in heirs if isinstance(outcome, Recorder)]
    assert all(isinstance(outcome, Recorder | DomainError) for outcome in heirs)
    await answer_with(heir, b"heir")
    await answer_with(dead, b"dead")
    kept = await store.keys.begin(call)
    assert isinstance(kept, StoredResponse)
    assert kept.body == b"heir"


async def test_a_call_that_runs_keeps_its_key(infra: InfraSettings) -> None:
    """Its lease is far shorter than it takes, and renewed."""
    store = Store(infra, 0.6)
    call = Call("account:ann", "k", "POST", "/v1/folders", BODY)
    running = await store.keys.begin(call)
    assert isinstance(running, Recorder)
    rows = store.database["idempotency_keys"]
    first = (await rows.find_one({}))["lease_until"]
    async with running.held():

        async def is_renewed() -> bool:
            return (await rows.find_one({}))["lease_until"] > first

        await eventually(is_renewed)
        await answer_with(running, b"made")
    kept = await store.keys.begin(call)
    assert isinstance(kept, StoredResponse)
    assert kept.body == b"made"
    store.mongo.close()


async def test_answers_of_an_earlier_version_are_given(store: Store) -> None:
    """Rows from before an upgrade hold their answers open."""
    call = Call("account:ann", "k", "POST", "/v1/folders", BODY)
    await store.keys.begin(call)
    old = {"status": 201, "headers": [[b"etag", b"1"]], "body": b"old"}
    await store.database["idempotency_keys"].update_one({}, {"$set": old, "$unset": {"lease_until": ""}})
    assert await store.keys.begin(call) == StoredResponse(201, [(b"etag", b"1")], b"old")


async def test_an_answer_too_large_to_keep_still_arrives(infra: InfraSettings) -> None:
    """It is passed on as it comes and the key is free again."""
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    settings = GatewaySettings(infra=infra, idempotency_max_answer_bytes=1024)
    keys = keys_of(mongo.database(infra.database_prefix + "gateway"), settings)
    call = Call("account:ann", "k", "POST", "/v1/folders", BODY)
    for _ in range(2):
        recorder = await keys.begin(call)
        assert isinstance(recorder, Recorder)
        sent = await answer_with(recorder, b"x" * 2000)
        assert sent[-1]["body"] == b"x" * 2000
    mongo.close()


async def test_concurrent_calls_with_one_key_take_effect_once(
    open_gateway: OpenGateway, counted: FakeService, issuer: Issuer
) -> None:
    """Twenty over two replicas: one effect; the others get the same answer or must wait."""
    async with open_gateway() as one, open_gateway() as two:
        answers = await asyncio.gather(
            *((one, two)[i % 2].call("POST", "/v1/folders", keyed(issuer.bearer()), BODY) for i in range(20))
        )
    assert len(counted.requests) == 1
    assert {answer.status for answer in answers} <= {201, 409}
