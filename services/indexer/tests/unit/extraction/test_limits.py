"""Limits that depend on each other."""

import json
from dataclasses import asdict

import pytest

from docstore_indexer.extraction.rules import ExtractedText
from docstore_indexer.settings import IndexerSettings
from docstore_platform.settings import InfraSettings


@pytest.mark.parametrize("chars", [2_000_000, 3_000_000])
@pytest.mark.parametrize("char", ["\x01", "\U00020000", '"'])
def test_the_longest_text_fits_into_a_response(chars: int, char: str) -> None:
    """Whatever its characters, by default and if an operator allows more."""
    settings = IndexerSettings(infra=InfraSettings(), max_text_chars=chars)
    response = json.dumps(asdict(ExtractedText(char * chars)), ensure_ascii=False).encode()
    assert len(response) < settings.picture_limits.max_response_bytes
