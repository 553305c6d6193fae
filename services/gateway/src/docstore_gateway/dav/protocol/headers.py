"""Reads the headers and URLs of WebDAV requests (RFC 4918, 10)."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from docstore_platform.errors import Forbidden
from docstore_platform.http.problems import Problem

Depth = Literal["0", "1", "infinity"]

_ENCODED_SCHEME = re.compile(r"https?%3A//", re.IGNORECASE)
"""As Nextcloud's clients write the URL in Destination, encoded as if it were a path."""
SECONDS = re.compile(r"Second-([0-9]{1,10})", re.IGNORECASE)
MAX_SEGMENTS = 64
MOUNTS = ("/dav", "/remote.php/webdav", "/remote.php/dav/files")
"""Where the tree begins: our own address, and the two that ownCloud's and Nextcloud's clients know."""


def bad_request(detail: str, code: str = "invalid_request") -> Problem:
    return Problem(400, code, detail)


@dataclass(frozen=True, slots=True)
class Target:
    """A path in the caller's tree, and the prefix of its URL."""

    mount: str
    path: str
    """From the caller's root, as in the API."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> str:
        return self.path.rpartition("/")[0] or "/"

    @property
    def is_root(self) -> bool:
        return self.path == "/"

    @property
    def href(self) -> str:
        return self.mount + quote(self.path)


def is_below_mount(path: str) -> bool:
    """Whether a path of a URL is in the tree."""
    return any(path == mount or path.startswith(f"{mount}/") for mount in MOUNTS)


def target_of(raw_path: bytes, account_names: Collection[str] = ()) -> Target:
    """The resource that a URL's path names; 400 `invalid_path` for one that could be read in two ways.

    `account_names`: what may stand for the caller in `/remote.php/dav/files/NAME`.
    """
    segments = decoded_segments(raw_path)
    if len(segments) > MAX_SEGMENTS + 4:
        raise bad_request(f"A path has at most {MAX_SEGMENTS} names.", "invalid_path")
    for mount in MOUNTS:
        names = mount.split("/")[1:]
        if segments[: len(names)] == names:
            below = segments[len(names) :]
            if mount.endswith("/files"):
                if not below or below[0] not in account_names:
                    raise Forbidden("These are another account's files.", code="other_account")
                mount, below = f"{mount}/{quote(below[0])}", below[1:]
            return Target(mount, "/" + "/".join(below))
    raise Problem(502, "destination_elsewhere", "The destination is outside of this WebDAV folder.")


def decoded_segments(raw_path: bytes) -> list[str]:
    """The names in a URL's path."""
    return [_decoded(segment) for segment in raw_path.split(b"/") if segment]


def _decoded(segment: bytes) -> str:
    try:
        name = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise bad_request("A name in the path is not UTF-8.", "invalid_path") from None
    if name in (".", "..") or any(char in "/\\" or unicodedata.category(char) == "Cc" for char in name):
        raise bad_request("A name can't be `.` or `..` or have slashes or control characters.", "invalid_path")
    return unicodedata.normalize("NFC", name)


def destination_of(header: str | None, hosts: Collection[str], account_names: Collection[str]) -> Target:
    """The target in a Destination header; 502 if it is on another host or outside of the tree."""
    if not header:
        raise bad_request("A Destination header is needed.", "no_destination")
    if _ENCODED_SCHEME.match(header):
        origin, path = header.split("/", 3)[:3], header.split("/", 3)[3:]
        header = "/".join([*map(unquote, origin), *path])
    try:
        url = urlsplit(header)
        host = url.netloc.rpartition("@")[2].lower()
    except ValueError:
        raise bad_request("The Destination header is not a URL.", "invalid_destination") from None
    if (url.scheme and url.scheme not in ("http", "https")) or (host and host not in hosts):
        raise Problem(502, "destination_elsewhere", "The destination is on another server.")
    if url.query or url.fragment or not url.path.startswith("/"):
        raise bad_request("The Destination header is not the URL of a file or folder.", "invalid_destination")
    try:
        return target_of(url.path.encode("ascii"), account_names)
    except UnicodeEncodeError:
        return target_of(quote(url.path, safe="/%").encode(), account_names)


def depth_of(header: str | None, default: Depth, allowed: tuple[Depth, ...] = ("0", "1", "infinity")) -> Depth:
    """The Depth header; 400 unless it is one of `allowed`."""
    depths: dict[str, Depth] = {"0": "0", "1": "1", "infinity": "infinity"}
    depth = default if header is None else depths.get(header.strip().lower())
    if depth is None or depth not in allowed:
        raise bad_request(f"Depth must be one of {', '.join(sorted(allowed))} here.", "invalid_depth")
    return depth


def overwrite_of(header: str | None) -> bool:
    """The Overwrite header; 400 unless it is T or F."""
    value = (header or "T").strip().upper()
    if value not in ("T", "F"):
        raise bad_request("Overwrite must be T or F.", "invalid_overwrite")
    return value == "T"


def timeout_of(header: str | None, longest: int) -> int:
    """How many seconds a lock is asked for: the first of the Timeout header's that is understood, at most `longest`."""
    for choice in (header or "").split(","):
        if choice.strip().lower() == "infinite":
            return longest
        match = SECONDS.fullmatch(choice.strip())
        if match is not None:
            return max(1, min(int(match[1]), longest))
    return longest
