"""Reads XML in requests: bounded, without document types, entities or anything external."""

from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, TreeBuilder, tostring
from xml.parsers import expat

from docstore_gateway.dav.protocol.headers import bad_request

DAV = "{DAV:}"
MAX_BODY_BYTES = 256 * 1024
MAX_LEVELS = 32
MAX_ELEMENTS = 2_000


def parse(body: bytes) -> Element:
    """Parse a document; 400 `invalid_xml` if it is malformed, has a document type, or exceeds a bound."""
    builder = TreeBuilder()
    levels = elements = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal levels, elements
        levels, elements = levels + 1, elements + 1
        if levels > MAX_LEVELS or elements > MAX_ELEMENTS:
            raise _Refused
        builder.start(_clark(name), {_clark(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal levels
        levels -= 1
        builder.end(_clark(name))

    def refuse(*_: object) -> None:
        raise _Refused

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    try:
        parser.Parse(body, True)
        return builder.close()
    except (expat.ExpatError, _Refused, AssertionError, ValueError, LookupError):
        raise bad_request("The XML in the request is malformed or not allowed here.", "invalid_xml") from None


class _Refused(Exception):
    """Something that no WebDAV client needs."""


def _clark(name: str) -> str:
    return f"{{{name}" if "}" in name else name


@dataclass(frozen=True, slots=True)
class PropertyQuery:
    """What a PROPFIND asks for: `names` of properties; with `all` also those that every response has."""

    kind: Literal["all", "names", "some"]
    names: tuple[str, ...] = ()


def parse_propfind(body: bytes) -> PropertyQuery:
    if not body.strip():
        return PropertyQuery("all")
    root = parse(body)
    if root.tag != f"{DAV}propfind":
        raise bad_request("The body must be a propfind element.", "invalid_xml")
    prop, include = root.find(f"{DAV}prop"), root.find(f"{DAV}include")
    named = [name for name in ("allprop", "propname", "prop") if root.find(f"{DAV}{name}") is not None]
    if len(named) != 1:
        raise bad_request("A propfind has exactly one of allprop, propname and prop.", "invalid_xml")
    if root.find(f"{DAV}propname") is not None:
        return PropertyQuery("names")
    if prop is not None:
        return PropertyQuery("some", tuple(dict.fromkeys(each.tag for each in prop)))
    return PropertyQuery("all", () if include is None else tuple(each.tag for each in include))


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One step of a PROPPATCH: `xml` is the whole element; None: the property is removed."""

    name: str
    xml: str | None


def parse_proppatch(body: bytes) -> list[PropertyChange]:
    root = parse(body)
    if root.tag != f"{DAV}propertyupdate":
        raise bad_request("The body must be a propertyupdate element.", "invalid_xml")
    changes: list[PropertyChange] = []
    for step in root:
        prop = step.find(f"{DAV}prop")
        if step.tag not in (f"{DAV}set", f"{DAV}remove") or prop is None:
            raise bad_request("A propertyupdate has set and remove elements, each with a prop.", "invalid_xml")
        language = step.get(LANGUAGE) or prop.get(LANGUAGE)
        for element in prop:
            element.tail = None
            if language and element.get(LANGUAGE) is None:
                element.set(LANGUAGE, language)
            is_set = step.tag == f"{DAV}set"
            changes.append(PropertyChange(element.tag, tostring(element, encoding="unicode") if is_set else None))
    if not changes:
        raise bad_request("A propertyupdate names at least one property.", "invalid_xml")
    return changes


LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class LockRequest:
    """What a LOCK asks for; `owner` is XML that is returned as it came."""

    exclusive: bool
    owner: str


def parse_lock(body: bytes) -> LockRequest | None:
    """None for an empty body, which refreshes a lock."""
    if not body.strip():
        return None
    root = parse(body)
    scope, kind, owner = root.find(f"{DAV}lockscope"), root.find(f"{DAV}locktype"), root.find(f"{DAV}owner")
    if root.tag != f"{DAV}lockinfo" or scope is None or kind is None or kind.find(f"{DAV}write") is None:
        raise bad_request("The body must be a lockinfo element with a scope and the type write.", "invalid_xml")
    exclusive = scope.find(f"{DAV}exclusive") is not None
    if not exclusive and scope.find(f"{DAV}shared") is None:
        raise bad_request("A lock is exclusive or shared.", "invalid_xml")
    if owner is not None:
        owner.tail = None
    return LockRequest(exclusive, "" if owner is None else tostring(owner, encoding="unicode"))
