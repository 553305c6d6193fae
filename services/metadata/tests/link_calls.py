"""Calls of link owners and of link visitors without an account."""

from datetime import timedelta
from typing import Any

from metadata_stack import Stack

from docstore_platform.clock import rfc3339, utc_now
from docstore_platform.service.client import HttpResponse, LocalTransport


async def visit(stack: Stack, method: str, path: str, body: bytes = b"{}", **headers: str) -> HttpResponse:
    """A call of someone who is not logged in."""
    sent = {"content-type": "application/json", "x-forwarded-for": "1.2.3.4"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await LocalTransport(stack.person.app_url).send(method, path, sent, body)


async def refusal(stack: Stack, method: str, path: str, body: bytes = b"{}", **headers: str) -> tuple[int, str]:
    answer = await visit(stack, method, path, body, **headers)
    return answer.status, answer.json()["code"]


async def make(stack: Stack, file: Any, **wish: Any) -> Any:
    return await stack.person.ok("POST", f"/v1/files/{file['id']}/links", wish)


async def opened(stack: Stack, link: Any) -> Any:
    answer = await visit(stack, "POST", f"/v1/links/{link['token']}/open")
    assert answer.status == 200, answer.body
    return answer.json()


def soon(**ahead: float) -> str:
    return rfc3339(utc_now() + timedelta(**ahead))


async def expire(stack: Stack, link: Any) -> None:
    """Have a link's end lie in the past."""
    past = utc_now() - timedelta(seconds=1)
    await stack.database["links"].update_one({"_id": link["id"]}, {"$set": {"expires_at": past}})
