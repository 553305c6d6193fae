"""Secrets that are rotated."""

import pytest
from pydantic import SecretStr

from docstore_platform.security.mailed_links import ResetLinks
from docstore_platform.security.secret_list import secret_list
from docstore_platform.settings import InfraSettings


def test_the_first_signs_and_all_verify() -> None:
    """A link that was mailed before the secret was rotated still works, until the old one is taken away."""
    before, during, after = (ResetLinks(InfraSettings(reset_link_secrets=text)) for text in ("old", "new, old", "new"))
    assert during.read(before.token("r1")) == "r1"
    assert after.read(during.token("r1")) == "r1"
    assert after.read(before.token("r1")) is None


def test_signatures_of_the_previous_version_stay_valid() -> None:
    """Links it made are read, whether its shared secret is still set or listed as the former one."""
    theirs = ResetLinks(InfraSettings(internal_secret="shared"))
    for settings in ({"reset_link_secrets": "new", "internal_secret": "shared"}, {"reset_link_secrets": "new,shared"}):
        ours = ResetLinks(InfraSettings.model_validate(settings))
        assert ours.read(theirs.token("r1")) == "r1"
        assert theirs.read(ours.token("r1")) is None


@pytest.mark.parametrize("setting", ["", " ", ",", " , "])
def test_no_secret_is_an_error_that_names_the_setting(setting: str) -> None:
    """Anyone could sign with an empty one."""
    with pytest.raises(ValueError, match="UPLOAD_REDIRECT_SECRETS is not set"):
        secret_list("UPLOAD_REDIRECT_SECRETS", SecretStr(setting), InfraSettings())
