"""The fakes of repositories have the methods of their Protocols: type checks do not cover tests."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from fake_blocks import FakeBlocks
from fake_transfers import FakePacks, FakeUploads

from docstore_upload.blocks.ports import Blocks
from docstore_upload.packs.ports import Packs
from docstore_upload.sessions.ports import Uploads


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [(each.name, each.kind) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize(("fake", "protocol"), [(FakeBlocks, Blocks), (FakePacks, Packs), (FakeUploads, Uploads)])
def test_a_fake_has_every_method_of_its_protocol(fake: type, protocol: type) -> None:
    """With the same parameters: a use case that calls the repository can call the fake."""
    methods = {name: method for name, method in inspect.getmembers(protocol, inspect.isfunction) if name[0] != "_"}
    assert methods
    for name, method in methods.items():
        assert parameters(getattr(fake, name)) == parameters(method), name
