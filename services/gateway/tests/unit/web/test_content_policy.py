"""The content policy of the web page."""

import pytest

from docstore_gateway.web.built_pages import content_policy
from docstore_platform.settings import InfraSettings


@pytest.mark.parametrize(
    ("is_path_style", "origin"),
    [(True, "https://store.example:8333"), (False, "https://contents.store.example:8333")],
)
def test_forms_may_be_sent_to_the_object_store_alone(is_path_style: bool, origin: str) -> None:
    """The browser sends files straight there; `docstore doctor` reads there which address must be reachable."""
    infra = InfraSettings(
        s3_public_endpoint="https://store.example:8333", s3_path_style=is_path_style, s3_bucket="contents"
    )
    directives = content_policy(infra).split("; ")
    assert f"form-action 'self' {origin}" in directives
