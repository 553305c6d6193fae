"""Requests of ZIPs."""

from typing import Annotated

from pydantic import Field

from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.values import Id

MAX_IDS = 1000
MAX_IDS_IN_URL = 200
"""Servers and proxies refuse URLs of more than about 8 KB."""


class ZipSelection(RequestModel):
    ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_IDS, description="of files and folders")]
