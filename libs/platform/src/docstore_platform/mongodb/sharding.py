"""Where the documents of a collection lie on a sharded MongoDB cluster (docs/adr/0057-shard-keys.md).

Each service declares its collections in its `sharding.py`. `deploy/policies/mongo/shards.js` is generated from these,
and every test compares the commands that services send with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from docstore_platform.mongodb.client import Collection, Document, IndexModel, database_of

NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Sharded:
    """A collection whose documents are spread by the value of one field."""

    key: str
    hashed: bool = False
    """Spread by a hash of the value; else ranges of values stay together."""
    by_account: bool = False
    """The value is an account's id or begins with it: a zone keeps an account's documents in all such collections on
    one shard."""
    broadcasts: Mapping[str, str] = field(default_factory=dict)
    """Filters without the key, which go to all shards: the fields that name them, and the reason. The empty string is
    a filter without fields."""
    unique_by: Mapping[str, str] = field(default_factory=dict)
    """Unique indexes that a sharded collection can't have: their fields, and what makes the values unique instead."""

    def has_key(self, condition: Document) -> bool:
        """Whether the router finds the shards of a filter, as each document it matches has one of the given keys."""
        return any(
            (name == self.key and self._is_bounded(value))
            or (name == "$and" and any(map(self.has_key, value)))
            or (name == "$or" and all(map(self.has_key, value)))
            for name, value in condition.items()
        )

    def reason_to_broadcast(self, condition: Document) -> str | None:
        """Why a filter without the key may go to all shards; None if no reason is declared."""
        fields = fields_of(condition)
        matching = (
            why for names, why in self.broadcasts.items() if bool(names) == bool(fields) and {*names.split()} <= fields
        )
        return next(matching, None)

    def _is_bounded(self, value: object) -> bool:
        operators = value.keys() if isinstance(value, dict) else set()
        if not any(name.startswith("$") for name in operators):
            return value is not None
        is_range = bool({"$gt", "$gte"} & operators) and bool({"$lt", "$lte"} & operators)
        return bool({"$eq", "$in"} & operators) or (is_range and not self.hashed)


@dataclass(frozen=True, slots=True)
class Unsharded:
    """A collection on the primary shard of its database."""

    reason: str


Placement = Sharded | Unsharded


def by_account(key: str, broadcasts: Mapping[str, str] = NONE, unique_by: Mapping[str, str] = NONE) -> Sharded:
    """A collection that is spread by account: the key is an account's id or begins with it."""
    return Sharded(key, by_account=True, broadcasts=broadcasts, unique_by=unique_by)


def by_hash(key: str, broadcasts: Mapping[str, str] = NONE, unique_by: Mapping[str, str] = NONE) -> Sharded:
    """A collection that is spread by a hash of the key."""
    return Sharded(key, hashed=True, broadcasts=broadcasts, unique_by=unique_by)


DUE = "a background worker claims the next due document"
SWEEP = "a background sweep looks for its next documents"
CHECK = "a consistency check reads all documents, in pages"
ADMINISTRATOR = "an administrator's list or count"
START = "once, when a new release starts"


def fields_of(condition: Document) -> set[str]:
    """Return the names of the fields that a filter compares."""
    found: set[str] = set()
    for name, value in condition.items():
        if name in ("$and", "$or", "$nor"):
            found.update(*map(fields_of, value))
        elif not name.startswith("$"):
            found.add(name)
    return found


async def create_indexes(collection: Collection, placement: Placement, indexes: Sequence[IndexModel]) -> None:
    """Create indexes; behind a router, those of `unique_by` are not unique."""
    if isinstance(placement, Sharded) and placement.unique_by and await _is_behind_router(collection):
        for index in indexes:
            if " ".join(index.document["key"]) in placement.unique_by:
                index.document.pop("unique", None)
    await collection.create_indexes(indexes)


async def _is_behind_router(collection: Collection) -> bool:
    response = await database_of(collection).command("hello")
    return bool(response.get("msg") == "isdbgrid")
