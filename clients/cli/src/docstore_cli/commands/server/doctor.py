"""`docstore doctor`: finds what keeps the command from working."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated

import aiohttp
import typer

from docstore_cli.failures import FAILED
from docstore_cli.options import AsJson, console, print_json
from docstore_cli.sessions.session import DEFAULT_SERVER, OPTIONS, session_file
from docstore_client import AsyncClient, DocStoreError
from docstore_client.credentials import Credentials
from docstore_client.errors import reason_of
from docstore_client.network.retrying import proxy_for

SKEW_SECONDS = 120
SLOW_SECONDS = 2.0
TIMEOUT = aiohttp.ClientTimeout(total=15)

Server = Annotated[str | None, typer.Option("--server", help="By default that of the log-in.")]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `advice` is what to do about a failure."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def doctor(server: Server = None, as_json: AsJson = False) -> None:
    """Check server, certificate, clock, log-in and object store.

    Exits with 1 if something is wrong, and prints what to do about it.
    """
    credentials = session_file().load()
    url = (server or (credentials.gateway if credentials else DEFAULT_SERVER)).rstrip("/")
    checks = asyncio.run(_checks(url, credentials if credentials and credentials.gateway == url else None))
    if as_json:
        print_json(
            [{"name": each.name, "ok": each.ok, "detail": each.detail, "advice": each.advice} for each in checks]
        )
    for each in [] if as_json else checks:
        console.print(f"{'[green]ok[/]   ' if each.ok else '[red]wrong[/]'} {each.name}: ", end="")
        console.print(each.detail, markup=False, highlight=False, soft_wrap=True)
        if each.advice:
            console.print(f"      {each.advice}", markup=False, highlight=False, soft_wrap=True)
    if not all(each.ok for each in checks):
        raise typer.Exit(FAILED)


async def _checks(url: str, credentials: Credentials | None) -> list[Check]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
        found = await _server(http, url)
        if not found[0].ok:
            return found
        store = await _store_origin(http, url)
        return [*found, await _log_in(url, credentials), *([await _store(http, store)] if store else [])]


async def _server(http: aiohttp.ClientSession, url: str) -> list[Check]:
    """The gateway responds, by a trusted certificate, at the same time as this machine."""
    began = time.monotonic()
    try:
        async with http.get(f"{url}/readyz", proxy=proxy_for(url)) as response:
            took, status = time.monotonic() - began, response.status
            date = response.headers.get("date")
    except aiohttp.ClientConnectorCertificateError as error:
        advice = (
            "Trust the server's root: set SSL_CERT_FILE to its file; a stack on a local network offers it at /trust/."
        )
        return [Check("certificate", False, reason_of(error), advice)]
    except (aiohttp.ClientError, TimeoutError) as error:
        return [Check("server", False, f"{url}: {reason_of(error)}", "Check the address, the network and proxies.")]
    ready = status == 200
    advice = "" if ready else "Some service of it does not run: its operator sees which."
    checks = [Check("server", ready, f"{url} responded with {status} in {took * 1000:.0f} ms", advice)]
    if date:
        skew = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
        good = abs(skew) < SKEW_SECONDS
        advice = "" if good else "Set the clock: signed URLs and tokens depend on it."
        checks.append(Check("clock", good, f"{skew:+.0f} s from the server's", advice))
    return checks


async def _log_in(url: str, credentials: Credentials | None) -> Check:
    advice = f"Run `docstore login --server {url}`."
    if credentials is None:
        return Check("log-in", False, f"none at {url}", advice)
    try:
        async with AsyncClient(url, credentials, store=session_file(), options=OPTIONS) as docstore:
            me = await docstore.me()
    except DocStoreError as error:
        return Check("log-in", False, str(error), advice)
    full = me.usage is not None and me.usage.over_quota
    advice = "Delete files, or empty the trash." if full else ""
    return Check("log-in", not full, me.email + (", over quota" if full else ""), advice)


async def _store_origin(http: aiohttp.ClientSession, url: str) -> str:
    """Address of the object store, to which the policy of the web page allows forms to be sent; empty if unknown."""
    try:
        async with http.get(f"{url}/", proxy=proxy_for(url)) as response:
            policy = response.headers.get("content-security-policy", "")
    except (aiohttp.ClientError, TimeoutError):
        return ""
    directives = [words for each in policy.split(";") if (words := each.split())]
    allowed = [source for name, *sources in directives if name == "form-action" for source in sources]
    return next((source for source in allowed if source.startswith(("http://", "https://"))), "")


async def _store(http: aiohttp.ClientSession, store: str) -> Check:
    """Bytes go straight to the object store, so it must be reachable; it may refuse a request without signature."""
    try:
        async with http.get(store, proxy=proxy_for(store)) as response:
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        advice = "Uploads and downloads go there directly: a firewall or a proxy must let them pass."
        return Check("object store", False, f"{store}: {reason_of(error)}", advice)
    return Check("object store", status < 500, f"{store} responded with {status}")
