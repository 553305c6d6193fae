"""Places in DocStore as the command line names them, and where several things go when they are given one of them."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docstore_cli.failures import BadUsage
from docstore_cli.session import every
from docstore_client import ApiError, AsyncClient
from docstore_client.models import File, Kind

BASE = "id:"
SHARED = "shared:"


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path from one's root, from the file or folder with an id, or from one that is shared with oneself."""

    names: tuple[str, ...]
    base: str | None = None
    """An id, or `shared:NAME`, which `located` turns into one."""
    is_folder: bool = False
    """It was written with a slash at its end."""
    is_contents: bool = False
    """It was written as `folder/.`: what is in the folder."""

    @classmethod
    def parse(cls, text: str) -> "RemotePath":
        """`/a/b`, `a/b`, `id:ID/a/b` or `shared:NAME/a/b`; in the normal form (NFC) that DocStore keeps names in.

        BadUsage if it is not Unicode, as an argument in another encoding is not.
        """
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadUsage(f"{text}: that is not Unicode text") from None
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
        """Of the root, and of what is named by its id alone: empty."""
        return self.names[-1] if self.names else ""

    @property
    def parent(self) -> "RemotePath":
        return replace(self, names=self.names[:-1], is_folder=True, is_contents=False)

    def child(self, *names: str) -> "RemotePath":
        """Below this; itself for no names, and for the empty name."""
        normal = (unicodedata.normalize("NFC", name) for name in names if name)
        return replace(self, names=(*self.names, *normal), is_folder=False, is_contents=False)

    def __str__(self) -> str:
        if self.base is None:
            return self.path
        return ("" if self.base.startswith(SHARED) else BASE) + "/".join((self.base, *self.names))


async def located(docstore: AsyncClient, place: RemotePath) -> RemotePath:
    """The same place below an id. ApiError 404 if no share has that name, BadUsage if several have."""
    if place.base is None or not place.base.startswith(SHARED):
        return place
    name = place.base.removeprefix(SHARED)
    found = [file for file in await every(docstore.shared_with_me) if file.name == name]
    if not found:
        raise ApiError(404, "not_found", f"nothing named {name!r} is shared with you; `docstore shared` lists what is")
    if len(found) > 1:
        ids = ", ".join(f"{BASE}{file.id} (by {file.owner_name or 'somebody'})" for file in found)
        raise BadUsage(f"{place.base} is ambiguous: use {ids}")
    return replace(place, base=found[0].id)


async def find(docstore: AsyncClient, place: RemotePath) -> File | None:
    """What is there, None if nothing is."""
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
    """What is there; ApiError 404 if nothing is."""
    found = await find(docstore, place)
    if found is None:
        raise ApiError(404, "not_found", f"{place}: there is no such file or folder")
    return found


def name_of(place: RemotePath, file: File) -> str:
    """What it is called when it goes somewhere else; "" if its contents go, as those of the root."""
    return "" if place.is_contents else place.name or file.name


def placed(kind: Kind | None, *, is_folder: bool, names: Sequence[str]) -> list[str]:
    """Where things of these names end up below a destination, as `cp` decides; "" is the destination itself.

    `kind` is what the destination is, None if there is nothing; `is_folder`: it was written with a slash at its end.
    The contents of a folder have the name "". BadUsage if they can't all be there.
    """
    if kind == "folder" or (kind is None and is_folder):
        doubled = [name for name, count in Counter(names).items() if name and count > 1]
        if doubled:
            raise BadUsage(f"{doubled[0]} is given twice")
        return list(names)
    if kind == "file" and is_folder:
        raise BadUsage("the destination is a file, not a folder")
    if len(names) > 1:
        raise BadUsage("several go into a folder only; end its name with / to have it made")
    return [""]
