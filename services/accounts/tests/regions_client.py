"""Two regions, each with its own database, topics and instance, and a line between them that can be cut."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from accounts_client import PASSWORD, Client
from starlette.types import Receive, Scope, Send

from docstore_accounts.regions.rules import arbiter, hash_email
from docstore_accounts.settings import AccountsSettings
from docstore_platform.ids import new_id
from docstore_platform.mongodb.client import Database
from docstore_platform.service.client import HttpResponse
from docstore_platform.testing import eventually

WEST, EAST = "us-west-2", "ap-southeast-2"
SECRET, PEPPER = "secret of the regions", "pepper of the regions"


@dataclass
class Line:
    """The way to one region's gateway."""

    cut: bool = False
    lose_answers: bool = False
    fails_of_ten: int = 0
    app: Any = None
    tried: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.tried.append(scope["path"])
        if self.cut or random.randrange(10) < self.fails_of_ten:
            raise ConnectionError("cut")
        message = await receive()
        self.bodies.append(message["body"])

        async def receive_again() -> Any:
            return message

        async def drop(_: Any) -> None:
            return None

        await self.app(scope, receive_again, drop if self.lose_answers else send)


@dataclass
class Region:
    """One region as its people see it, with a look into its database."""

    name: str
    settings: AccountsSettings
    database: Database
    line: Line
    client: Client

    async def entry(self, email: str) -> Any:
        return await self.database["directory"].find_one({"_id": hash_email(PEPPER, email)})

    async def knows(self, email: str, **wanted: Any) -> Any:
        """The entry of an account, once it is as wanted."""

        async def as_wanted() -> Any:
            entry = await self.entry(email)
            return entry if entry and all(entry[name] == value for name, value in wanted.items()) else None

        return await eventually(as_wanted)

    async def settled(self) -> None:
        """Returns once it has nothing left to replicate and no sign-up is open."""

        async def nothing_left() -> bool:
            for name, query in (("replication", {}), ("sign_ups", {}), ("outbox", {"state": "pending"})):
                if await self.database[name].find_one(query):
                    return False
            return True

        await eventually(nothing_left)

    def email(self, arbiter_name: str = "") -> str:
        """An address no one has, of which this region is the arbiter, or the one named."""
        wanted = arbiter_name or self.name
        while True:
            email = f"ann-{new_id()[-8:]}@example.org"
            if arbiter((WEST, EAST), hash_email(PEPPER, email)) == wanted:
                return email

    async def sign_up(self, email: str) -> HttpResponse:
        answer: HttpResponse = await self.client.call("POST", "/v1/accounts", {"email": email, "password": PASSWORD})
        return answer

    async def log_in(self, email: str) -> HttpResponse:
        answer: HttpResponse = await self.client.call("POST", "/v1/sessions", {"email": email, "password": PASSWORD})
        return answer

    async def accounts(self) -> int:
        return int(await self.database["accounts"].count_documents({}))

    async def everything(self) -> bytes:
        """All that the region's accounts service keeps, as one text."""
        rows = [row for name in await self.database.list_collection_names() async for row in self.database[name].find()]
        return repr(rows).encode()


OpenRegion = Callable[..., AbstractAsyncContextManager[Region]]
