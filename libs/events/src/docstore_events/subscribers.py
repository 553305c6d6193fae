"""Base class of a service's event handlers: one handler for each event, one write for each batch."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import Event, handler_name
from docstore_events.envelope import Envelope
from docstore_events.transaction import Transaction

U = TypeVar("U")
Handler = Callable[[Envelope[Any], Any], None]


class Subscribers(Generic[U]):
    """Base of a service's subscribers.

    Events arrive in batches. For each batch, `begin` creates an empty batch, `on_<event>(envelope, batch)` adds
    the event's effect to it, and `commit` writes it in the transaction that also fills the inbox. A batch may be begun
    again (after a conflict, or event by event after a failure), so handlers only change the batch.
    """

    def begin(self) -> U:
        raise AssertionError(f"{type(self).__name__} has no begin()")

    async def commit(self, batch: U, transaction: Transaction) -> None:
        """Write the batch."""
        raise AssertionError(f"{type(self).__name__} has no commit()")

    def handlers(self) -> dict[type[Event], Handler]:
        """Return the handlers by event, found by their names; TypeError for a name without an event."""
        by_name = {handler_name(event): event for event in EVENT_TYPES.values()}
        found = {name: getattr(self, name) for name in dir(self) if name.startswith("on_")}
        unknown = sorted(found.keys() - by_name.keys())
        if unknown:
            raise TypeError(f"{type(self).__name__}: unknown event in {', '.join(unknown)}")
        return {by_name[name]: handler for name, handler in found.items()}
