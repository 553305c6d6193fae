"""Maps dataclasses to documents and back."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

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
