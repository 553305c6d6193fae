"""An HTTP client of one instance of accounts, and the events that it publishes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI

from docstore_events.envelope import Envelope, open_envelope
from docstore_platform.ids import new_id
from docstore_platform.service.client import HttpResponse, LocalTransport, register_local_app

PASSWORD = "correct horse"


class Client:
    """Speaks HTTP to one instance of the service, as one caller."""

    def __init__(self, app: FastAPI, token: str = "", address: str = "10.0.0.1") -> None:
        self.app = app
        self.token = token
        self.address = address
        self.url = f"local:{new_id()}"
        register_local_app(self.url, app)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        sent = {"content-type": "application/json", "x-forwarded-for": self.address}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        payload = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        return await LocalTransport(self.url).send(method, path, {**sent, **headers}, payload)

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer that must be a success."""
        answer = await self.call(method, path, body)
        assert answer.status < 300, (answer.status, answer.body)
        return answer.json() if answer.body else None

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of an answer that must be a problem."""
        answer = await self.call(method, path, body)
        assert answer.headers["content-type"] == "application/problem+json", (answer.status, answer.body)
        return answer.status, answer.json()["code"]

    async def person(self, email: str, password: str = PASSWORD) -> "Client":
        """A client that speaks as a new person, logged in."""
        await self.ok("POST", "/v1/accounts", {"email": email, "password": password})
        return await self.login(email, password)

    async def login(self, email: str, password: str = PASSWORD, device: str = "Phone") -> "Client":
        body = {"email": email, "password": password, "device_name": device}
        return Client(self.app, (await self.ok("POST", "/v1/sessions", body))["access_token"], self.address)


Run = Callable[..., AbstractAsyncContextManager[Client]]


class PublishedEvents:
    """Reads the events of accounts from the broker."""

    def __init__(self, kafka: AIOKafkaConsumer) -> None:
        self._kafka = kafka
        self._envelopes: list[Envelope[Any]] = []

    async def of(self, account_id: str) -> list[Envelope[Any]]:
        """All events of one account so far, in the broker's order."""
        for records in (await self._kafka.getmany(timeout_ms=100)).values():
            for record in records:
                envelope = open_envelope(record.headers, record.value)
                assert envelope is not None
                self._envelopes.append(envelope)
        return [envelope for envelope in self._envelopes if envelope.event.key() == account_id]
