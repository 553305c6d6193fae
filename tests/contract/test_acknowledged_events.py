"""Services acknowledge exactly the events that they declare and handle."""

import generate_kafka_acls

from docstore_events.catalogue import ACKNOWLEDGED
from docstore_events.catalogue.event import handler_name
from docstore_events.subscribers import Subscribers


def test_services_handle_what_they_acknowledge() -> None:
    """A service that acknowledges an event has a handler for it: else an upload would wait for it for ever."""
    for service in generate_kafka_acls.services():
        kinds = [
            kind for kind in Subscribers.__subclasses__() if kind.__module__.split(".")[0] == f"docstore_{service}"
        ]
        handled = {name for kind in kinds for name in dir(kind) if name.startswith("on_")}
        assert {handler_name(event) for event in ACKNOWLEDGED.get(service, ())} <= handled
