"""DocStore from Python: `AsyncClient` for asyncio, `Client` for code that waits."""

from docstore_client.async_client import AsyncClient
from docstore_client.connection import Credentials
from docstore_client.errors import ApiError, ContentDiffers, DocStoreError, StoreError, Unreachable
from docstore_client.sync_client import Client
from docstore_client.transfers import Source

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "ContentDiffers",
    "Credentials",
    "DocStoreError",
    "Source",
    "StoreError",
    "Unreachable",
]
