"""Remote paths on the command line, and the targets of several sources in a destination."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_cli.failures import BadUsage
from docstore_cli.sessions.session import every
from docstore_client import ApiError, AsyncClient
from docstore_client.models import File, Kind

BASE = "id:"
SHARED = "shared:"


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path from the root, from a file or folder id, or from something shared with the account."""

    names: tuple[str, ...]
    base: str | None = None
    """An id, or `shared:NAME`, which `located` resolves to an id."""
    is_folder: bool = False
    """Written with a trailing slash."""
    is_contents: bool = False
    """Written as `folder/.`: the folder's contents."""

    @classmethod
    def parse(cls, text: str) -> "RemotePath":
        """`/a/b`, `a/b`, `id:ID/a/b` or `shared:NAME/a/b`; normalized to NFC as DocStore does.

        BadUsage if it is not valid Unicode.
        """
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadUsage(f"{text}: not valid Unicode") from None
        base, rest = None, text
        if text.startswith(BASE):
            base, _, rest = text.removeprefix(BASE).partition("/")
        elif text.startswith(SHARED):
            base, _, rest = unicodedata.normalize("NFC", text).partition("/")
        names = tuple(name for name in unicodedata.normalize("NFC", rest).split("/") if name not in ("", "."))
        return cls(names, base, text.endswith(("/", "/.")), text.endswith("/."))

    @property
    def path(self) -> str:
        return "/" + "/".join(self.names)

    @property
    def name(self) -> str:
        """Name; empty for the root and for a bare id."""
        return self.names[-1] if self.names else ""

    @property
    def parent(self) -> "RemotePath":
        return replace(self, names=self.names[:-1], is_folder=True, is_contents=False)

    def child(self, *names: str) -> "RemotePath":
        """Path below this one; the same path for empty names."""
        normal = (unicodedata.normalize("NFC", name) for name in names if name)
        return replace(self, names=(*self.names, *normal), is_folder=False, is_contents=False)

    def __str__(self) -> str:
        if self.base is None:
            return self.path
        return ("" if self.base.startswith(SHARED) else BASE) + "/".join((self.base, *self.names))


async def located(docstore: AsyncClient, place: RemotePath) -> RemotePath:
    """Resolve a share name to an id. ApiError 404 if there is none, BadUsage if it is ambiguous."""
    if place.base is None or not place.base.startswith(SHARED):
        return place
    name = place.base.removeprefix(SHARED)
    found = [file for file in await every(docstore.shared_with_me) if file.name == name]
    if not found:
        raise ApiError(404, "not_found", f"nothing named {name!r} is shared with you; see `docstore shared`")
    if len(found) > 1:
        ids = ", ".join(f"{BASE}{file.id} (by {file.owner_name or 'someone'})" for file in found)
        raise BadUsage(f"{place.base} is ambiguous: use {ids}")
    return replace(place, base=found[0].id)


async def find(docstore: AsyncClient, place: RemotePath) -> File | None:
    """File or folder at a place; None if there is none."""
    place = await located(docstore, place)
    try:
        if place.base is not None and not place.names:
            return await docstore.get(place.base)
        return await docstore.get_by_path(place.path, parent_id=place.base)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


async def need(docstore: AsyncClient, place: RemotePath) -> File:
    """File or folder at a place; ApiError 404 if there is none."""
    found = await find(docstore, place)
    if found is None:
        raise ApiError(404, "not_found", f"{place}: no such file or folder")
    return found


def name_of(place: RemotePath, file: File) -> str:
    """Name at another destination; "" if its contents are meant, as for the root."""
    return "" if place.is_contents else place.name or file.name


def placed(kind: Kind | None, *, is_folder: bool, names: Sequence[str]) -> list[str]:
    """Targets of names in a destination, by the rules of `cp`; "" is the destination itself.

    `kind`: of the destination, None if it does not exist; `is_folder`: written with a trailing slash.
    The contents of a folder have the name "". BadUsage if the names conflict.
    """
    if kind == "folder" or (kind is None and is_folder):
        doubled = [name for name, count in Counter(names).items() if name and count > 1]
        if doubled:
            raise BadUsage(f"{doubled[0]} is given twice")
        return list(names)
    if kind == "file" and is_folder:
        raise BadUsage("the destination is a file, not a folder")
    if len(names) > 1:
        raise BadUsage("several sources need a folder; end its name with / to create it")
    return [""]
