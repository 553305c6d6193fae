"""The shipped Kafka rules are those of the code."""

import ast

import generate_kafka_acls
from source_reading import ROOT, functions_called, methods_called

from docstore_events.catalogue.event import DEAD_LETTER_SUFFIX
from docstore_platform.services import SERVICE_NAMES


def test_the_committed_rules_are_the_generated_ones() -> None:
    """A change of what a service consumes or publishes changes the rules; `make generate` writes them."""
    for path, text in generate_kafka_acls.generate().items():
        assert path.read_text() == text


def test_only_the_gateway_listens_without_a_group() -> None:
    """The generator knows of that one: another would be missing in the rules."""
    assert {name for name in SERVICE_NAMES if "Broadcast" in functions_called(name)} == {"gateway"}


def test_services_with_subscribers_are_those_that_run_them() -> None:
    """A group is allowed to exactly those whose app gives subscribers to its runtime."""
    running = set()
    for name in SERVICE_NAMES:
        text = (ROOT / f"services/{name}/src/docstore_{name}/app.py").read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "EventRuntime":
                running |= {name} if len(node.args) > 4 else set()
        if ("runtime", "subscribe") in methods_called(name):
            running.add(name)
    assert {name for name, topics in generate_kafka_acls.consumed().items() if topics} == running


def test_dead_letters_are_written_and_never_read() -> None:
    """Operators read them from the services' databases; the topics are the copy that is left for ever."""
    assert not any(
        topic.endswith(DEAD_LETTER_SUFFIX) for topics in generate_kafka_acls.read().values() for topic in topics
    )
