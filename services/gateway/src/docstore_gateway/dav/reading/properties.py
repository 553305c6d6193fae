"""Properties of resources (RFC 4918, 15; RFC 4331; those that ownCloud's and Nextcloud's clients ask for)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from docstore_contracts.annotations import Annotations, Lock
from docstore_gateway.dav.protocol.multistatus import element, empty_element, propstat, response, text
from docstore_gateway.dav.protocol.request_xml import DAV, PropertyQuery
from docstore_gateway.dav.protocol.resources import Resource

OC = "{http://owncloud.org/ns}"
NC = "{http://nextcloud.org/ns}"

SUPPORTED_LOCKS = "".join(
    f"<d:lockentry><d:lockscope><d:{scope}/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>"
    for scope in ("exclusive", "shared")
)
NO_ANNOTATIONS: Annotations = {"locks": [], "properties": []}


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource with all that its properties are made of."""

    resource: Resource
    annotations: Annotations = field(default_factory=lambda: NO_ANNOTATIONS)
    locks: Sequence[Lock] = ()
    """All that cover it."""
    free_bytes: int | None = None
    used_bytes: int | None = None
    revision: str = ""
    """Of everything the account can see: part of a folder's ETag, which clients expect to change with what is deep
    inside it."""

    @property
    def etag(self) -> str:
        etag = self.resource.etag
        return f'{etag[:-1]}.{self.revision}"' if self.resource.is_folder and self.revision else etag


@lru_cache(maxsize=4096)
def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def lock_discovery(locks: Sequence[Lock], root: str, now: datetime) -> str:
    return "".join(active_lock(lock, root, now) for lock in locks)


def active_lock(lock: Lock, root: str, now: datetime) -> str:
    seconds = max(0, int((datetime.fromisoformat(lock["expires_at"]) - now).total_seconds()))
    return (
        "<d:activelock><d:locktype><d:write/></d:locktype>"
        f"<d:lockscope><d:{'exclusive' if lock['exclusive'] else 'shared'}/></d:lockscope>"
        f"<d:depth>{'infinity' if lock['deep'] else '0'}</d:depth>{lock['owner']}"
        f"<d:timeout>Second-{seconds}</d:timeout>"
        f"<d:locktoken><d:href>{text(lock['token'])}</d:href></d:locktoken>"
        f"<d:lockroot><d:href>{text(root + quote(lock['path']))}</d:href></d:lockroot></d:activelock>"
    )


def _permissions(shown: Shown) -> str:
    """ownCloud's letters: shared, may delete, rename, move, write, or create files and folders."""
    file = shown.resource.file
    letters = "" if file["permission"] == "owner" else "S"
    if file["permission"] == "viewer":
        return letters
    letters += "D" if file["can_delete"] else ""
    letters += "" if shown.resource.target.is_root or shown.resource.is_share else "NV"
    return letters + ("CK" if shown.resource.is_folder else "W")


def _of_file(value: Callable[[Shown], str | None]) -> Callable[[Shown], str | None]:
    return lambda shown: None if shown.resource.is_folder else value(shown)


def _of_folder(value: Callable[[Shown], str | None]) -> Callable[[Shown], str | None]:
    return lambda shown: value(shown) if shown.resource.is_folder else None


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _checksums(shown: Shown) -> str | None:
    sha256 = shown.resource.file["sha256"]
    return f"<oc:checksum>SHA256:{sha256}</oc:checksum>" if sha256 else None


USUAL: Mapping[str, Callable[[Shown], str | None]] = {
    f"{DAV}resourcetype": lambda shown: "<d:collection/>" if shown.resource.is_folder else "",
    f"{DAV}displayname": lambda shown: text(shown.resource.target.name),
    f"{DAV}getlastmodified": lambda shown: http_date(shown.resource.modified_at),
    f"{DAV}creationdate": lambda shown: shown.resource.file["created_at"],
    f"{DAV}getetag": lambda shown: text(shown.etag),
    f"{DAV}getcontentlength": _of_file(lambda shown: str(shown.resource.file["size"])),
    f"{DAV}getcontenttype": _of_file(lambda shown: text(shown.resource.file["content_type"] or "")),
    f"{DAV}supportedlock": lambda _: SUPPORTED_LOCKS,
    f"{DAV}lockdiscovery": lambda shown: lock_discovery(shown.locks, shown.resource.root, datetime.now(UTC)),
}
"""Part of every full listing."""

QUOTA = frozenset((f"{DAV}quota-available-bytes", f"{DAV}quota-used-bytes"))
ON_REQUEST: Mapping[str, Callable[[Shown], str | None]] = {
    f"{DAV}quota-available-bytes": _of_folder(lambda shown: _number(shown.free_bytes)),
    f"{DAV}quota-used-bytes": _of_folder(lambda shown: _number(shown.used_bytes)),
    f"{DAV}getcontentlanguage": lambda _: None,
    f"{OC}id": lambda shown: shown.resource.id,
    f"{OC}fileid": lambda shown: shown.resource.id,
    f"{OC}permissions": _permissions,
    f"{OC}size": lambda shown: str(shown.resource.file["size"]),
    f"{OC}checksums": _of_file(_checksums),
    f"{OC}owner-id": lambda shown: text(shown.resource.file["owner_id"]),
    f"{NC}has-preview": _of_file(lambda shown: "true" if shown.resource.file["preview"] else "false"),
}
LIVE = {**USUAL, **ON_REQUEST}


class Listing:
    """Renders the resources of one PROPFIND."""

    def __init__(self, query: PropertyQuery) -> None:
        self._query = query
        names = query.names if query.kind == "some" else tuple(dict.fromkeys((*USUAL, *query.names)))
        self._live = [(name, LIVE[name]) for name in names if name in LIVE]
        self._others = [name for name in names if name not in LIVE]

    @property
    def needs_quota(self) -> bool:
        return not QUOTA.isdisjoint(self._query.names)

    @property
    def needs_annotations(self) -> bool:
        locks = f"{DAV}lockdiscovery"
        return self._query.kind != "some" or locks in self._query.names or bool(self._others)

    @property
    def needs_revision(self) -> bool:
        return self._query.kind == "all" or f"{DAV}getetag" in self._query.names

    def render(self, shown: Shown) -> str:
        dead = {each["name"]: each["xml"] for each in shown.annotations["properties"]}
        if self._query.kind == "names":
            names = [name for name, value in USUAL.items() if value(shown) is not None]
            return response(shown.resource.href, [propstat(200, "".join(map(empty_element, (*names, *dead))))])
        found: list[str] = []
        missing: list[str] = []
        for name, value in self._live:
            content = value(shown)
            if content is not None:
                found.append(element(name, content))
            elif self._query.kind == "some":
                missing.append(name)
        if self._query.kind == "all":
            found += dead.values()
        else:
            found += [dead[name] for name in self._others if name in dead]
            missing += [name for name in self._others if name not in dead]
        propstats = [propstat(200, "".join(found))] if found or not missing else []
        if missing:
            propstats.append(propstat(404, "".join(map(empty_element, missing))))
        return response(shown.resource.href, propstats)


def is_protected(name: str) -> bool:
    """Whether a property is computed, so that clients can't set it."""
    return name in LIVE or name.startswith(DAV)
