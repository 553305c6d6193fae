"""Operators' routes of the gateway: audit log of calls, health, feed of events."""

from typing import Any

import orjson
import pytest
from aiohttp import ClientSession
from gateway_calls import Caller, FakeService, Issuer, Listening, OpenGateway, Reply, Request
from gateway_journal import Publish

from docstore_events.catalogue.notifications import NotificationSent
from docstore_platform.mongodb.client import Mongo
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import InfraSettings
from docstore_platform.testing import eventually

pytestmark = pytest.mark.connected

FILE = "01932f6e5a7b7c3d8e9f0a1b2c3d4e60"


async def published_calls(infra: InfraSettings, number: int) -> list[Any]:
    """The calls that the gateway has published, once there are so many."""
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    outbox = mongo.database(f"{infra.database_prefix}gateway")["outbox"]

    async def all_there() -> Any:
        rows = await outbox.find({}).sort("_id", 1).to_list(None)
        calls = [call for row in rows for call in orjson.loads(row["value"])["calls"]]
        return calls if len(calls) >= number else None

    try:
        calls: list[Any] = await eventually(all_there)
    finally:
        mongo.close()
    return calls


async def test_calls_are_published_with_actor_action_and_outcome(
    gateway: Caller, service: FakeService, issuer: Issuer, infra: InfraSettings
) -> None:
    """Refused ones too; a link's token is in none of them, and metadata's report of reads is not passed on."""

    async def behave(request: Request) -> Reply:
        reply = Reply()
        if request.path.endswith("/content"):
            reply.status = 302
            reply.headers["docstore-read"] = "f g"
        return reply

    service.behave = behave
    answer = await gateway.call("GET", f"/v1/files/{FILE}/content", issuer.bearer())
    assert answer.header("docstore-read") is None
    await gateway.call("GET", "/v1/files", issuer.bearer())
    await gateway.call("DELETE", f"/v1/files/{FILE}")
    assert (await gateway.call("GET", "/v1/links/verysecret/content")).header("docstore-read") is None
    read, refused, link = await published_calls(infra, 3)
    assert (read["account_id"], read["session_id"], read["object_id"], read["status"]) == ("ann", "s1", FILE, 302)
    assert (read["read"], read["client"], read["route"]) == (["f", "g"], "198.51.100.7", "/v1/files")
    assert (refused["method"], refused["status"], refused["account_id"]) == ("DELETE", 401, "")
    assert (link["path"], link["read"], link["account_id"]) == ("/v1/links/-/content", ["f", "g"], "")


async def test_health_names_every_service_and_what_it_lacks(
    gateway: Caller, service: FakeService, issuer: Issuer
) -> None:
    """For administrators; one that does not answer is named, and the whole is degraded."""
    figures = {"lag": {"files": 0}, "outbox": {"pending": 0, "oldest_seconds": 0.0}, "dead_letters": 0}

    async def behave(request: Request) -> Reply:
        reply = Reply()
        reply.body = orjson.dumps(figures)
        return reply

    service.behave = behave
    assert (await gateway.call("GET", "/v1/admin/health", issuer.bearer())).status == 403
    admin = issuer.bearer(role="admin")
    found = (await gateway.call("GET", "/v1/admin/health", admin)).json()
    assert (found["status"], len(found["services"])) == ("ok", len(SERVICE_NAMES))
    assert {state["name"]: state["status"] for state in found["services"]}["gateway"] == "ok"
    figures["dead_letters"] = 2
    assert (await gateway.call("GET", "/v1/admin/health", admin)).json()["status"] == "degraded"
    service.ready = False
    states = (await gateway.call("GET", "/v1/admin/health", admin)).json()["services"]
    assert {state["status"] for state in states if state["name"] != "gateway"} == {"unavailable"}


async def test_events_are_watched_as_they_are_published(
    open_gateway: OpenGateway, listening: Listening, issuer: Issuer, client: ClientSession, publish: Publish
) -> None:
    """Each with its data; of the topics asked for; by administrators alone."""
    about: dict[str, Any] = {"revision": 1, "account_id": "ann", "kind": "upload_done", "cause_ids": ()}
    async with open_gateway() as gateway, listening(gateway.app) as address:
        url = f"{address}/v1/admin/events"
        async with client.get(url, headers=issuer.bearer()) as refused:
            assert refused.status == 403
        admin = issuer.bearer(role="admin")
        async with (
            client.get(url, headers=admin) as all_topics,
            client.get(url, headers=admin, params={"topic": "files"}) as files,
        ):
            for stream in (all_topics, files):
                while await stream.content.readline() != b": listening\n":
                    assert stream.status == 200
            await publish(NotificationSent(delivery_id="d1", channel="email", **about))
            line = b""
            while not line.startswith(b"data: "):
                line = await all_topics.content.readline()
            event = orjson.loads(line.removeprefix(b"data: "))
            assert (event["type"], event["subject"], event["data"]["channel"]) == ("notification-sent", "d1", "email")
            files.close()

        async def nobody_is_listened_to() -> bool:
            return gateway.app.state.feed_streams.args[0]._listener is None

        await eventually(nobody_is_listened_to)
