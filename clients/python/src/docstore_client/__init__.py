"""DocStore client for Python: `AsyncClient` for asyncio, `Client` for synchronous code."""

from docstore_client.async_client import AsyncClient
from docstore_client.credentials import Credentials, CredentialStore
from docstore_client.downloading.bulk_downloads import Wanted
from docstore_client.errors import (
    ApiError,
    BadRequest,
    Conflict,
    ContentDiffers,
    DocStoreError,
    Forbidden,
    Invalid,
    LocalError,
    NotFound,
    OverQuota,
    PreconditionFailed,
    RateLimited,
    ServerError,
    StoreError,
    Unauthenticated,
    Unreachable,
)
from docstore_client.network.options import Options
from docstore_client.sources import Source
from docstore_client.sync_client import Client

__all__ = [
    "ApiError",
    "AsyncClient",
    "BadRequest",
    "Client",
    "Conflict",
    "ContentDiffers",
    "CredentialStore",
    "Credentials",
    "DocStoreError",
    "Forbidden",
    "Invalid",
    "LocalError",
    "NotFound",
    "Options",
    "OverQuota",
    "PreconditionFailed",
    "RateLimited",
    "ServerError",
    "Source",
    "StoreError",
    "Unauthenticated",
    "Unreachable",
    "Wanted",
]
