"""DocStore client for Python: `AsyncClient` for asyncio, `Client` for synchronous code."""

from docstore_client.async_client import AsyncClient
from docstore_client.credentials import Credentials, CredentialStore
from docstore_client.downloading.bulk_downloads import Wanted
from docstore_client.errors import ApiError, ContentDiffers, DocStoreError, LocalError, StoreError, Unreachable
from docstore_client.sources import Source
from docstore_client.sync_client import Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ContentDiffers",
    "CredentialStore",
    "Credentials",
    "DocStoreError",
    "LocalError",
    "Source",
    "StoreError",
    "Unreachable",
    "Wanted",
]
