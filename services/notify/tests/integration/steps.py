"""Steps that several tests share."""

from typing import Any
from urllib.parse import urlsplit

from notify_service import Notify

from docstore_platform.service.client import LocalTransport
from docstore_platform.testing import eventually


async def handled(notify: Notify, ids: list[str]) -> None:
    async def settled() -> bool:
        answer = await notify.internal("POST", "/internal/events/settled", {"event_ids": ids})
        return set(answer["settled"]) == set(ids)

    await eventually(settled)


async def click(notify: Notify, mail: Any, method: str = "POST", languages: str = "") -> Any:
    """What a mail program does with the header (RFC 8058)."""
    url = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    headers = {"content-type": "application/x-www-form-urlencoded", "accept-language": languages}
    body = b"List-Unsubscribe=One-Click" if method == "POST" else b""
    return await LocalTransport(notify.url).send(method, f"{url.path}?{url.query}", headers, body)
