"""Internal API of indexer."""

from typing import Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from docstore_contracts.caller import Client, Timestamp


@with_config(ConfigDict(extra="allow"))
class RebuildStatus(TypedDict):
    """State of the running rebuild, or result of the last one; counts of each pass under `pass_1`, `pass_2` ..."""

    state: Literal["none", "waiting", "running", "done"]
    reason: NotRequired[str]
    started_at: NotRequired[Timestamp]
    finished_at: NotRequired[Timestamp]
    error: NotRequired[str]
    cursor: NotRequired[str]


class IndexerClient(Client):
    async def start_rebuild(self) -> RebuildStatus:
        status: RebuildStatus = await self._call("POST", "/internal/rebuild")
        return status

    async def rebuild_status(self) -> RebuildStatus:
        status: RebuildStatus = await self._call("GET", "/internal/rebuild")
        return status
