"""Writes WebDAV's XML by templates: a listing has thousands of elements."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from docstore_gateway.responses import HeaderList

XML_HEADERS: HeaderList = [(b"content-type", b"application/xml; charset=utf-8")]
START = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">'
)
END = "</d:multistatus>\n"
PREFIXES = {"DAV:": "d", "http://owncloud.org/ns": "oc", "http://nextcloud.org/ns": "nc"}
REASONS: Mapping[int, str] = {
    200: "OK",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    423: "Locked",
    424: "Failed Dependency",
    507: "Insufficient Storage",
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """Escape text; characters that XML can't have are replaced."""
    return escape(_NOT_XML.sub("\ufffd", value), quote=True)


def empty_element(name: str) -> str:
    """An element without content, by its name as `{namespace}name`."""
    return element(name, "")


def element(name: str, content: str) -> str:
    namespace, _, local = name[1:].rpartition("}") if name.startswith("{") else ("", "", name)
    prefix = PREFIXES.get(namespace)
    if prefix is not None:
        return f"<{prefix}:{local}>{content}</{prefix}:{local}>" if content else f"<{prefix}:{local}/>"
    return f'<{local} xmlns="{text(namespace)}">{content}</{local}>'


def propstat(status: int, properties: str, error: str = "") -> str:
    """One outcome of some properties."""
    condition = f"<d:error>{error}</d:error>" if error else ""
    line = f"<d:status>HTTP/1.1 {status} {REASONS[status]}</d:status>"
    return f"<d:propstat><d:prop>{properties}</d:prop>{line}{condition}</d:propstat>"


def response(href: str, propstats: Iterable[str]) -> str:
    return f"<d:response><d:href>{text(href)}</d:href>{''.join(propstats)}</d:response>"


def document(responses: Sequence[str]) -> bytes:
    return (START + "".join(responses) + END).encode()


def error_document(condition: str, message: str) -> bytes:
    """The body of an error with a condition that RFC 4918 names."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns">'
        f"<d:{condition}/><s:message>{text(message)}</s:message></d:error>\n"
    ).encode()
