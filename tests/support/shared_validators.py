"""Parameters and responses that are declared alike share a validator, whichever app they belong to.

FastAPI builds one for each route of each app, and most tests create apps: that was a fifth of their time.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi._compat.v2 import ModelField, asdict


@contextmanager
def shared_validators() -> Iterator[None]:
    """Build the validator of each declaration once in this process."""
    build, built = ModelField.__post_init__, dict[Hashable, Any]()

    def reuse(field: ModelField) -> None:
        declaration = _declaration(field)
        if declaration is None:
            build(field)
        elif declaration in built:
            field._type_adapter = built[declaration]
        else:
            build(field)
            built[declaration] = field._type_adapter

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ModelField, "__post_init__", reuse)
        yield


def _declaration(field: ModelField) -> Hashable | None:
    """What a validator is built from; None where it can't be compared."""
    given = asdict(field.field_info)
    attributes = [(name, type(value), _comparable(value)) for name, value in given["attributes"].items()]
    metadata = [(type(each), each) for each in given["metadata"]]
    declaration = (given["annotation"], str(field.config), *metadata, *attributes)
    try:
        hash(declaration)
    except TypeError:
        return None
    return declaration


def _comparable(value: Any) -> Hashable:
    return repr(value) if isinstance(value, (list, dict)) else value
