"""Events: frozen, versioned facts about one aggregate, named in the past tense."""

import re
from operator import attrgetter
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from docstore_platform.services import ServiceName

TOPICS = ("accounts", "uploads", "files", "shares", "usage", "notifications", "calls")
"""A topic per aggregate: the broker keeps order only inside a partition of one topic."""

DEAD_LETTER_SUFFIX = ".dlq"


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


class Event(BaseModel):
    """Base of all events. A subclass's name is its type: FileCreated is `file-created`, handled by `on_file_created`.

    Fields may be added with a default; anything else is a new class with the next `schema_version`. Unknown fields
    are ignored, so that an older consumer can read a newer event. No event carries a password, a token or content.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    topic: ClassVar[str]
    owner: ClassVar[ServiceName]
    """The one service that publishes it."""
    key_field: ClassVar[str]
    """Where it contains the id of its aggregate: a field, or a field of a field."""
    schema_version: ClassVar[int] = 1

    revision: int
    """Gapless number of the aggregate's changes, counted by the owner; a lower one is outdated."""

    def __init_subclass__(
        cls,
        *,
        topic: str | None = None,
        owner: ServiceName | None = None,
        key: str | None = None,
        abstract: bool = False,
    ) -> None:
        super().__init_subclass__()
        cls.topic, cls.owner, cls.key_field = topic or cls.topic, owner or cls.owner, key or cls.key_field
        if abstract:
            return
        assert cls.topic in TOPICS, cls.topic
        cls.type = _kebab(cls.__name__)
        EVENT_TYPES[cls.type] = cls

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Keep class arguments away from pydantic: they are ours."""

    @classmethod
    def schema_uri(cls) -> str:
        """Return the identifier of the JSON Schema of its value, published under docs/api/events."""
        return f"urn:docstore:event:{cls.type}:v{cls.schema_version}"

    def key(self) -> str:
        """Id of the aggregate: the Kafka key, which keeps its events in order."""
        return str(attrgetter(self.key_field)(self))


EVENT_TYPES: dict[str, type[Event]] = {}
"""Every event by type; filled by importing the modules that define them."""


def handler_name(event: type[Event]) -> str:
    """Return the name of every service's handler of an event: `on_file_created` for FileCreated."""
    return f"on_{event.type.replace('-', '_')}"
