"""A visitor of a stack from another network: run as a program there, it prints what it saw as JSON.

`python lan_visitor.py URL ROOT PORTS_JSON`
"""

import asyncio
import json
import os
import ssl
import sys
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

LOGIN = {"email": "visitor@example.org", "password": "correct horse battery staple"}
CONTENT = os.urandom(300_000)


async def visit(url: str, root: str, ports: dict[str, int]) -> dict[str, Any]:
    trusting = ssl.create_default_context(cafile=root)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
        page = await session.get(url, headers={"accept": "text/html"})
        await session.post(f"{url}/v1/accounts", json={**LOGIN, "display_name": "V"})
        begun = await session.post(f"{url}/v1/sessions", json=LOGIN)
        bearer = {"authorization": f"Bearer {(await begun.json())['access_token']}"}
        cookies = await session.post(f"{url}/web/session", json=LOGIN, headers={"origin": url})
        given = {"path": "/seen.bin", "size": len(CONTENT), "method": "put"}
        upload = await (await session.post(f"{url}/v1/uploads", json=given, headers=bearer)).json()
        put_url = URL(upload["put"]["url"], encoded=True)
        headers = {name: value for name, value in upload["put"]["headers"].items() if name != "content-length"}
        stored = await session.put(put_url, data=CONTENT, headers=headers)
        done = await session.post(f"{url}/v1/uploads/{upload['id']}/complete", json={}, headers=bearer)
        file = await done.json()
        asked = await session.get(f"{url}/v1/files/{file['id']}/content", headers=bearer, allow_redirects=False)
        download = await session.get(URL(asked.headers["location"], encoded=True))
        return {
            "page": page.status,
            "policy": page.headers["content-security-policy"],
            "strict_transport": page.headers.get("strict-transport-security"),
            "cookies": cookies.headers.getall("set-cookie"),
            "store": str(put_url.origin()),
            "put": stored.status,
            "same": await download.read() == CONTENT,
            "open": await open_ports(urlsplit(url).hostname or "", ports),
        }


async def open_ports(host: str, ports: dict[str, int]) -> list[str]:
    """Return the names of those that accept a connection."""
    found = []
    for name, port in ports.items():
        try:
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError):
            continue
        writer.close()
        found.append(name)
    return sorted(found)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(visit(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))))
