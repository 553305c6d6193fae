"""A small CDN: a caching reverse proxy that checks URLs and cookies as CloudFront does and signs its own calls of the
bucket.

Paths below `accounts/` and `previews/` need a signature by its key; `/assets/` comes from the gateway.
"""

import base64
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from local_server import served
from multidict import CIMultiDict
from yarl import URL

from docstore_contents.s3.signing import UNSIGNED_PAYLOAD, Signer

PublicKey = RSAPublicKey | EllipticCurvePublicKey
OF_SIGNATURE = ("Expires", "Signature", "Key-Pair-Id")
OF_COOKIES = ("CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id")
KEPT_HEADERS = ("Content-Type", "Content-Disposition", "ETag", "Content-Encoding", "Access-Control-Allow-Origin")
PRIVATE = ("/accounts/", "/previews/")


class Refused(Exception):
    """The signature is missing, of another URL, key or time."""


@dataclass(frozen=True, slots=True)
class Cached:
    status: int
    headers: CIMultiDict[str]
    body: bytes


def check_signature(url: str, key: PublicKey, key_id: str, now: float) -> str:
    """Return the URL without its signature. Raises Refused, as "Use signed URLs" of CloudFront's guide says."""
    address, _, query = url.partition("?")
    pairs = [pair for pair in query.split("&") if pair]
    given = {name: value for name, _, value in (pair.partition("=") for pair in pairs) if name in OF_SIGNATURE}
    if set(given) != set(OF_SIGNATURE):
        raise Refused("Missing Key")
    if given["Key-Pair-Id"] != key_id:
        raise Refused("Unknown Key")
    rest = "&".join(pair for pair in pairs if pair.partition("=")[0] not in OF_SIGNATURE)
    resource = f"{address}?{rest}" if rest else address
    condition = {"DateLessThan": {"AWS:EpochTime": int(given["Expires"])}}
    policy = json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}, separators=(",", ":"))
    _verify(given["Signature"], policy.encode(), key)
    if int(given["Expires"]) <= now:
        raise Refused("Expired")
    return resource


def check_cookies(url: str, cookies: Mapping[str, str], key: PublicKey, key_id: str, now: float) -> str:
    """Return the URL. Raises Refused, as "Set signed cookies using a custom policy" of CloudFront's guide says."""
    if any(name not in cookies for name in OF_COOKIES):
        raise Refused("Missing Key")
    if cookies["CloudFront-Key-Pair-Id"] != key_id:
        raise Refused("Unknown Key")
    try:
        policy = _decoded(cookies["CloudFront-Policy"])
    except ValueError:
        raise Refused("Malformed Policy") from None
    _verify(cookies["CloudFront-Signature"], policy, key)
    (statement,) = json.loads(policy)["Statement"]
    wildcard = re.escape(statement["Resource"]).replace(r"\*", ".*").replace(r"\?", ".")
    if not re.fullmatch(wildcard, url):
        raise Refused("Access denied")
    if statement["Condition"]["DateLessThan"]["AWS:EpochTime"] <= now:
        raise Refused("Expired")
    return url


def _decoded(written: str) -> bytes:
    return base64.b64decode(written.translate(str.maketrans("-_~", "+=/")), validate=True)


def _verify(written: str, policy: bytes, key: PublicKey) -> None:
    try:
        signature = _decoded(written)
        if isinstance(key, RSAPublicKey):
            key.verify(signature, policy, PKCS1v15(), SHA1())
        else:
            key.verify(signature, policy, ECDSA(SHA1()))
    except (InvalidSignature, ValueError):
        raise Refused("Access denied") from None


@dataclass
class EdgeCache:
    """`buckets`: by prefix of the path. Set `store` before the first private request, `gateway` for assets."""

    key: PublicKey
    key_id: str
    buckets: dict[str, str] = field(default_factory=dict)
    store: Signer | None = None
    gateway: str = ""
    url: str = ""
    hits: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    _cache: dict[str, Cached] = field(default_factory=dict)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=403)
        target = request.raw_path
        try:
            if target.startswith(PRIVATE):
                target = self._checked(request).removeprefix(self.url)
            elif not target.startswith("/assets/"):
                raise Refused("No behaviour for this path")
        except Refused as error:
            return web.Response(status=403, text=str(error), headers={"Access-Control-Allow-Origin": "*"})
        found = self._cache.get(target)
        (self.misses if found is None else self.hits).append(target.partition("?")[0])
        if found is None:
            found = await self._fetch(target)
            if found.status == 200:
                self._cache[target] = found
        return _response(request, found)

    def _checked(self, request: web.BaseRequest) -> str:
        url = self.url + request.raw_path
        if "Signature=" in url or not request.cookies:  # a signed URL prevails
            return check_signature(url, self.key, self.key_id, time.time())
        return check_cookies(url, request.cookies, self.key, self.key_id, time.time())

    async def _fetch(self, target: str) -> Cached:
        path, _, query = target.partition("?")
        url, headers = self.gateway + target, {}
        if path.startswith(PRIVATE):
            assert self.store is not None
            bucket = self.buckets[path.split("/")[1]]
            url, headers = self.store.sign(
                "GET", f"/{bucket}{path}", payload_sha256=UNSIGNED_PAYLOAD, query=dict(parse_qsl(query))
            )
        async with (
            aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "identity"}) as session,
            session.get(URL(url, encoded=True), headers=headers) as answer,
        ):
            kept = CIMultiDict((name, answer.headers[name]) for name in KEPT_HEADERS if name in answer.headers)
            return Cached(answer.status, kept, await answer.read())


def _response(request: web.BaseRequest, found: Cached) -> web.Response:
    """The bytes, or the requested range of them; any origin may read them, as a response headers policy says."""
    headers = CIMultiDict(found.headers)
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Accept-Ranges"] = "bytes"
    status, body = found.status, found.body
    if found.status == 200 and "Range" in request.headers:
        wanted = request.http_range
        start, stop, _ = slice(wanted.start, wanted.stop).indices(len(body))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
        status, body = 206, body[start:stop]
    return web.Response(status=status, headers=headers, body=body)


@asynccontextmanager
async def edge_cache(key: PublicKey, key_id: str) -> AsyncIterator[EdgeCache]:
    """A CDN on a port of its own, until the block ends."""
    edge = EdgeCache(key, key_id)
    async with served(web.ServerRunner(web.Server(edge.handle), shutdown_timeout=0.1)) as edge.url:
        yield edge
