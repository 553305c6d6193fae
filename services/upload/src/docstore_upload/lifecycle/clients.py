"""Clients of metadata, of quota and of the consumers of events, as transfers use them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from docstore_contracts.caller import MAX_ITEMS, Caller, ItemRefused
from docstore_contracts.metadata import MetadataClient
from docstore_contracts.operations import OperationsClient
from docstore_contracts.quota import QuotaClient
from docstore_platform.chunks import chunks
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import error_of

Json = dict[str, Any]


def item_error(result: ItemRefused) -> DomainError:
    """Return the error of a refused item."""
    return error_of(result["problem"])


class ServiceClients:
    """Metadata, quota, and the services that acknowledge the events of an upload."""

    def __init__(self, metadata: Caller, quota: Caller, consumers: Mapping[str, Caller]) -> None:
        self.metadata = MetadataClient(metadata)
        self.quota = QuotaClient(quota)
        self._metadata_operations = OperationsClient(metadata)
        self._consumers = {name: OperationsClient(caller) for name, caller in consumers.items()}

    async def republish_file_events(self, event_ids: Sequence[str]) -> None:
        """Have metadata republish these events under their old ids."""
        for some in chunks(event_ids, MAX_ITEMS):
            await self._metadata_operations.republish_events(some)

    async def settled(self, events: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
        """Return the acknowledged ones of these events by service; none for a service that can't be reached."""

        async def ask(name: str) -> set[str]:
            settled: set[str] = set()
            for some in chunks(events[name], MAX_ITEMS):
                try:
                    settled.update(await self._consumers[name].acknowledged_events(some))
                except DomainError as problem:
                    if not problem.is_temporary:
                        raise
                    return set()
            return settled

        return dict(zip(events, await asyncio.gather(*(ask(name) for name in events)), strict=True))
