"""Writes docs/reference/settings.md from the classes of settings: `python tools/generate_settings_page.py`."""

import typing
from importlib import import_module
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from tables import cell, table

from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import InfraSettings, Settings

TARGET = Path(__file__).parents[1] / "docs/reference/settings.md"
HEAD = """# Settings

Environment variables of the services, with their types and defaults. Lists and mappings are JSON. The name of a time or
size contains its unit.
"""


def text() -> str:
    """A section for what all services share, and for each service."""
    parts = [HEAD, _section("All services", InfraSettings)]
    for name in SERVICE_NAMES:
        cls = getattr(import_module(f"docstore_{name}.settings"), f"{name.title()}Settings")
        parts.append(_section(name, cls))
    return "\n".join(parts)


def _section(title: str, cls: type[Settings]) -> str:
    prefix = cls.model_config["env_prefix"]
    rows = [
        (f"`{prefix}{name}`".upper(), cell(_kind(field.annotation)), _default(field), cell(field.description or ""))
        for name, field in cls.model_fields.items()
    ]
    return f"## {title}\n\n{table(('variable', 'type', 'default', ''), rows)}"


def _kind(annotation: object) -> str:
    """The type as people write it: int, list of str, `a` or `b`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is SecretStr:
        return "secret"
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" if each else "empty" for each in arguments)
    if origin is not None and isinstance(origin, type) and issubclass(origin, list | tuple | set | frozenset):
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"mapping of {_kind(arguments[0])} to {_kind(arguments[1])}"
    if arguments:
        return " or ".join(_kind(each) for each in arguments if each is not type(None))
    return getattr(annotation, "__name__", str(annotation))


def _default(field: FieldInfo) -> str:
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    if value in (PydanticUndefined, None, "", (), {}, []):
        return ""
    return f"`{cell(str(value))}`"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text(), "utf-8")
