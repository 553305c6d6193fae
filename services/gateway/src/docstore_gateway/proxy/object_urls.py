"""Requests to signed URLs of the object store, for the doors of the gateway through which bytes pass."""

from collections.abc import AsyncIterator, Mapping

import aiohttp
import structlog
from yarl import URL

from docstore_gateway.proxy.service import CONNECTIONS
from docstore_platform.errors import unavailable
from docstore_platform.http.body_limits import ClientGone
from docstore_platform.settings import InfraSettings

log = structlog.get_logger(__name__)

CONNECT_SECONDS, SILENT_SECONDS = 5.0, 60.0


class ObjectUrls:
    """Requests to signed URLs. Must be created in the running loop."""

    def __init__(self, infra: InfraSettings) -> None:
        self._inner_by_public = {
            public.rstrip("/"): inner.rstrip("/")
            for public, inner in (
                (infra.public_s3, infra.s3_endpoint),
                (infra.public_s3_replica, infra.s3_replica_endpoint),
            )
            if public and inner and infra.s3_path_style
        }
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=15),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            skip_auto_headers=("User-Agent", "Content-Type"),
        )

    async def close(self) -> None:
        await self._session.close()

    def get(self, url: str, headers: Mapping[str, str]) -> "aiohttp.client._RequestContextManager":
        """Open a GET of an object."""
        address, host = self._address(url)
        return self._session.get(address, headers={**headers, **host}, allow_redirects=False)

    async def put(self, url: str, headers: Mapping[str, str], body: bytes | AsyncIterator[bytes], size: int) -> str:
        """Send exactly `size` bytes; return the ETag. Unavailable if the store does not take them."""
        address, host = self._address(url)
        sent = {**headers, **host, "content-length": str(size)}
        try:
            async with self._session.put(address, headers=sent, data=body, allow_redirects=False) as response:
                if response.status < 300:
                    return response.headers.get("etag", "").strip('"')
                log.warning("object_put_refused", status=response.status, body=(await response.read())[:300])
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("object_put_failed", error=repr(error))
            if isinstance(error.__cause__, ClientGone):
                raise ClientGone from None
        raise unavailable("The object store")

    def _address(self, url: str) -> tuple[URL, dict[str, str]]:
        """Where a signed URL leads from here, and the Host that it was signed for."""
        for public, inner in self._inner_by_public.items():
            if url.startswith(public + "/") and public != inner:
                return URL(inner + url.removeprefix(public), encoded=True), {"host": URL(public).authority}
        return URL(url, encoded=True), {}
