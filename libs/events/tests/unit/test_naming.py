"""The name is the wiring: from an event's name one can predict which methods handle it."""

import ast
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

from docstore_events.catalogue import EVENT_TYPES
from docstore_events.catalogue.event import Event, handler_name

Node = TypeVar("Node", bound=ast.AST)
SERVICES = Path(__file__).parents[4] / "services"
BY_CLASS = {event.__name__: event for event in EVENT_TYPES.values()}
BY_HANDLER = {handler_name(event): event for event in EVENT_TYPES.values()}


@cache
def nodes(kind: type[Node]) -> list[tuple[str, Node]]:
    """All nodes of a kind in the sources of services, with their services."""
    return [
        (path.relative_to(SERVICES).parts[0], node)
        for path in sorted(SERVICES.glob("*/src/**/*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, kind)
    ]


def called_name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def made_by(call: ast.Call) -> str:
    """Name of the class that a call constructs, or passes on to be constructed and published."""
    name, first = called_name(call), next(iter(call.args), None)
    return first.id if "publish" in name and isinstance(first, ast.Name) else name


def services_that_make(event: type[Event]) -> set[str]:
    """Services in whose source the event is constructed."""
    return {service for service, call in nodes(ast.Call) if made_by(call) == event.__name__}


def subscriber_classes() -> list[tuple[str, ast.ClassDef]]:
    """Classes derived from Subscribers, with their services."""
    return [
        (service, node)
        for service, node in nodes(ast.ClassDef)
        if any("Subscribers" in ast.unparse(base) for base in node.bases)
    ]


@pytest.mark.parametrize("event", BY_CLASS.values(), ids=lambda event: event.type)
def test_an_event_is_published_by_its_owner(event: type[Event]) -> None:
    """Exactly that service constructs it: an aggregate has one owner, and no event is only described."""
    assert services_that_make(event) == {event.owner}


@pytest.mark.parametrize("event", BY_CLASS.values(), ids=lambda event: event.type)
def test_a_type_a_handler_and_a_class_have_one_name(event: type[Event]) -> None:
    """FileCreated is `file-created` and handled by `on_file_created`."""
    words = event.type.split("-")
    assert "".join(word.capitalize() for word in words) == event.__name__
    assert handler_name(event) == "on_" + "_".join(words)


def handlers_of(definition: ast.ClassDef) -> dict[str, set[str]]:
    """The handlers of a class, methods and other names of methods, with the event classes that each takes."""
    methods = {node.name: node for node in definition.body if isinstance(node, ast.FunctionDef)}
    named = dict(methods)
    for node in definition.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            named |= {target.id: methods[node.value.id] for target in node.targets if isinstance(target, ast.Name)}
    return {
        name: set(
            ast.unparse(method.args.args[1].annotation or ast.Constant(""))
            .removeprefix("Envelope[")
            .removesuffix("]")
            .split(" | ")
        )
        for name, method in named.items()
        if name.startswith("on_")
    }


def test_every_handler_is_named_after_the_event_it_takes() -> None:
    """A handler's name is that of an event, and its first argument is of that class, or a base of several."""
    found = subscriber_classes()
    assert found
    for service, definition in found:
        for name, taken in handlers_of(definition).items():
            assert name in BY_HANDLER, (service, name)
            bases = {base.__name__ for base in BY_HANDLER[name].__mro__}
            assert taken & bases, (service, name)


def test_a_consuming_service_has_its_subscribers_in_their_place() -> None:
    """One class a service, in the only subscribers.py of it, named after the service."""
    for service, definition in subscriber_classes():
        assert definition.name == f"{service.capitalize()}Subscribers"
        sources = (SERVICES / service / "src").rglob("subscribers.py")
        assert [f"class {definition.name}" in path.read_text("utf-8") for path in sources] == [True]


@pytest.mark.parametrize("event", BY_CLASS.values(), ids=lambda event: event.type)
def test_the_consumers_readme_and_code_agree(event: type[Event]) -> None:
    """A service's README names every event it consumes."""
    for service, definition in subscriber_classes():
        if handler_name(event) in handlers_of(definition):
            readme = (SERVICES / service / "README.md").read_text("utf-8")
            assert event.type in readme, f"services/{service}/README.md does not name {event.type}"
