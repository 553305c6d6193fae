"""Conversion between dataclasses and MongoDB documents, and creation of indexes."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from docstore_platform.mongodb.client import ASCENDING, DESCENDING, Document, IndexModel

T = TypeVar("T")


class FieldMap(Generic[T]):
    """Stores each attribute of a dataclass under the name in `names`; attributes in `optional` are left out if None.

    A field that a document lacks gets the default of its attribute.
    """

    def __init__(self, kind: type[T], names: Mapping[str, str], optional: Iterable[str] = ()) -> None:
        self._kind = kind
        self._names = names
        self._optional = tuple(optional)

    def document(self, item: T) -> dict[str, Any]:
        document = {name: getattr(item, attribute) for attribute, name in self._names.items()}
        for attribute in self._optional:
            if document[self._names[attribute]] is None:
                del document[self._names[attribute]]
        return document

    def item(self, document: Mapping[str, Any]) -> T:
        return self._kind(**{attribute: document[name] for attribute, name in self._names.items() if name in document})


def index(name: str, *fields: str, only: str | Document = "", **options: Any) -> IndexModel:
    """An ascending index; a field with a leading `-` is descending.

    `only` limits it to documents with that field, or to those that match a filter.
    """
    keys = [(field.removeprefix("-"), DESCENDING if field.startswith("-") else ASCENDING) for field in fields]
    if only:
        options["partialFilterExpression"] = {only: {"$exists": True}} if isinstance(only, str) else only
    return IndexModel(keys, name=name, **options)
