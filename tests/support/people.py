"""Users of a DocStore: a client of the public API with helpers for tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from typing import Any, Self
from urllib.parse import urlencode

import zstandard
from deployments import Mailbox
from verified_emails import verify_email
from yarl import URL

from docstore_cli.api import ApiClient
from docstore_client.network.connection import ApiResponse
from docstore_platform.ids import new_id
from docstore_platform.testing import eventually

PASSWORD = "correct horse battery staple"

Json = dict[str, Any]


class Person(ApiClient):
    """Someone with an account of their own."""

    email = ""
    mailbox: Mailbox | None = None
    """Where their mails can be read."""
    verified = False

    @classmethod
    async def new(cls, gateway: str, name: str = "ada", mailbox: Mailbox | None = None) -> Self:
        """Someone who has just signed up and logged in."""
        person = cls(gateway)
        person.mailbox = mailbox
        person.email = f"{name}-{new_id()[-10:]}@example.org"
        await person.sign_up(person.email, PASSWORD)
        return person

    @property
    def id(self) -> str:
        return str(self.account["id"])

    async def verify_email(self) -> None:
        """Prove by the mailed link that the address is theirs."""
        if not self.verified:
            await verify_email(self, self.mailbox, self.email)
            self.verified = True

    async def choose(self, plan: str) -> None:
        """Change the plan; returns once quota and search have consumed the event."""
        before = (await self.usage())["limit"]
        await self.call("PUT", "/v1/me/plan", {"plan": plan})
        status = 200 if plan == "premium" else 403

        async def received() -> bool:
            answer = await self.ask("GET", "/v1/search?q=plan&in=content")
            return answer.status == status and (await self.usage())["limit"] != before

        await eventually(received)

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of a refusal, which is problem+json."""
        answer = await self.ask(method, path, body)
        assert answer.status >= 400, answer
        return problem_of(answer)

    async def begin(self, path: str, size: int, method: str = "put", **wishes: Any) -> Json:
        """An upload that waits for its bytes."""
        upload: Json = await self.call("POST", "/v1/uploads", {"path": path, "size": size, "method": method, **wishes})
        return upload

    async def complete(self, upload: Json, done: Json | None = None) -> Json:
        file: Json = await self.call("POST", f"/v1/uploads/{upload['id']}/complete", done or {})
        return file

    async def upload_blocks(self, path: str, parts: Sequence[bytes], **wishes: Any) -> Json:
        """A file in blocks, as a client sends it: those that the account does not have yet."""
        whole, by_hash = b"".join(parts), {sha256(part).hexdigest(): part for part in parts}
        upload = await self.begin(path, len(whole), "blocks", sha256=sha256(whole).hexdigest(), **wishes)
        frames = {name: zstandard.compress(part) for name, part in by_hash.items()}
        wish = {"hashes": list(frames), "sizes": {name: len(frame) for name, frame in frames.items()}}
        for block in (await self.call("POST", "/v1/blocks/missing", wish))["missing"]:
            await self.put_once(block, frames[block["hash"]])
        blocks = [{"hash": sha256(part).hexdigest(), "size": len(part)} for part in parts]
        return await self.complete(upload, {"blocks": blocks})

    async def put_once(self, signed: Json, data: bytes) -> None:
        """Send bytes to the object store by a signed URL and its headers; 412: a block that is there by now."""
        url = URL(signed["url"], encoded=True)
        async with self._session.put(url, data=data, headers=signed["headers"]) as answer:
            assert answer.status in (200, 412), await answer.text()

    async def share(self, node: Json, other: "Person", role: str = "viewer", **terms: Any) -> Json:
        """Share with someone, whose address is proven for it; returns once metadata has consumed that event."""
        await other.verify_email()
        route, body = f"/v1/files/{node['id']}/shares", {"email": other.email, "role": role, **terms}

        async def active() -> Any:
            made = await self.call("POST", route, body)
            return made if made["state"] == "active" else None

        share: Json = await eventually(active)
        return share

    async def every(self, path: str, /, **query: Any) -> list[Json]:
        """All items of a list, page after page."""
        items: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.call("GET", f"{path}?{urlencode({**query, **({'cursor': cursor} if cursor else {})})}")
            items += page["items"]
            cursor = page["next_cursor"]
        return items

    async def journal(self, cursor: str = "") -> tuple[list[Json], str]:
        """All changes behind the cursor, and the cursor behind them."""
        changes: list[Json] = []
        while True:
            page = await self.call("GET", "/v1/changes?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            changes, cursor = changes + page["changes"], page["cursor"]
            if not page["has_more"]:
                return changes, cursor

    async def names(self, folder: str = "/") -> list[str]:
        return [file["name"] for file in await self.every("/v1/files", path=folder)]

    async def usage(self) -> Json:
        usage: Json = (await self.call("GET", "/v1/me"))["usage"]
        return usage

    async def counted(self, used: int, reserved: int = 0) -> None:
        """Returns once exactly so many bytes are counted and reserved."""

        async def as_it_should_be() -> bool:
            usage = await self.usage()
            return bool(usage["used"] == used and usage["reserved"] == reserved)

        try:
            await eventually(as_it_should_be)
        except AssertionError:
            raise AssertionError(f"{await self.usage()} instead of used {used}, reserved {reserved}") from None

    async def search(self, words: str, **query: Any) -> list[Json]:
        """Hits of all pages."""
        return await self.every("/v1/search", q=words, **query)

    async def found(self, words: str, *paths: str, **query: Any) -> list[Json]:
        """The hits, once they are exactly these paths."""
        hits: list[Json] = []

        async def as_it_should_be() -> bool:
            nonlocal hits
            hits = await self.search(words, **query)
            return sorted(hit["file"]["path"] for hit in hits) == sorted(paths)

        try:
            await eventually(as_it_should_be)
        except AssertionError:
            found = [hit["file"]["path"] for hit in hits]
            raise AssertionError(f"{words!r} finds {found} instead of {list(paths)}") from None
        return hits

    async def content(self, file_id: str, version: int | None = None) -> bytes:
        """A file's bytes: by its signed URL, or as they are sent where the content is in blocks or in a pack."""
        answer = await self.ask("GET", f"/v1/files/{file_id}/content" + (f"?version={version}" if version else ""))
        if answer.status == 200:
            return answer.body
        assert answer.status == 302, answer
        async with self._session.get(URL(answer.headers["location"], encoded=True)) as response:
            assert response.status == 200
            return await response.read()


SignUp = Callable[..., Awaitable[Person]]
"""Makes people: `await sign_up("ada", plan="premium")`."""


@asynccontextmanager
async def signing_up(gateway: str, mailbox: Mailbox | None) -> AsyncIterator[SignUp]:
    """Make people whose connections are closed at the end; their mails are read in `mailbox`."""
    async with AsyncExitStack() as closing:

        async def new_person(name: str = "ada", plan: str = "free") -> Person:
            person = await closing.enter_async_context(await Person.new(gateway, name, mailbox))
            if plan != "free":
                await person.choose(plan)
            return person

        yield new_person


def problem_of(answer: ApiResponse) -> tuple[int, str]:
    """Status and code of an answer that must be problem+json."""
    assert answer.headers["content-type"] == "application/problem+json", answer
    problem = answer.json()
    assert problem["status"] == answer.status
    assert problem["detail"]
    return answer.status, str(problem["code"])
