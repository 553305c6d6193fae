"""Options that filter what is listed and found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from docstore_cli.moments import moment
from docstore_client.models import Kind


class KindName(StrEnum):
    file = "file"
    folder = "folder"


KINDS: Mapping[KindName, Kind] = {KindName.file: "file", KindName.folder: "folder"}
TIME_HELP = "A time like 2026-05-01T12:00:00Z, or so long ago: 12h, 7d."
ModifiedAfter = Annotated[str | None, typer.Option("--modified-after", help=TIME_HELP)]
ModifiedBefore = Annotated[str | None, typer.Option("--modified-before", help=TIME_HELP)]
CreatedAfter = Annotated[str | None, typer.Option("--created-after", help=TIME_HELP)]
CreatedBefore = Annotated[str | None, typer.Option("--created-before", help=TIME_HELP)]
KindOf = Annotated[KindName | None, typer.Option("--kind", help="Only files, or only folders.")]
Owner = Annotated[str | None, typer.Option("--owner", metavar="ID", help="Only what this account owns.")]
Meta = Annotated[
    list[str] | None,
    typer.Option("--meta", metavar="NAME=VALUE", help="Only what has this custom metadata; repeatable."),
]


@dataclass(frozen=True, slots=True)
class ItemFilters:
    """Options by which `ls` and `search` leave out files and folders, as they were given."""

    kind: KindOf = None
    owner: Owner = None
    meta: Meta = None
    modified_after: ModifiedAfter = None
    modified_before: ModifiedBefore = None
    created_after: CreatedAfter = None
    created_before: CreatedBefore = None

    @property
    def only_kind(self) -> Kind | None:
        return None if self.kind is None else KINDS[self.kind]

    def time(self, option: str) -> datetime | None:
        """Parse the time of an option, named as in the API."""
        return ago(getattr(self, option), f"--{option.replace('_', '-')}")


def ago(text: str | None, option: str) -> datetime | None:
    """Parse a time; with a plain duration, so long before now."""
    return None if text is None else moment(text, datetime.now(UTC), option, back=True)


def pairs(texts: Iterable[str] | None) -> dict[str, str]:
    """Parse pairs of custom metadata."""
    return dict(map(_pair, texts or ()))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text}: give a name and a value, as in author=Ada", param_hint="NAME=VALUE")
    return name, value
