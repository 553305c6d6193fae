"""Request and response models of languages."""

from typing import Annotated

from pydantic import Field

from docstore_platform.http.request_models import RequestModel
from docstore_platform.http.response_models import ResponseModel

Language = Annotated[str, Field(pattern=r"^[a-z]{3}(_[a-z]{1,20})*$")]
"""As Tesseract names it: `eng`, `deu`, `kor`, `chi_sim`."""


class NewLanguages(RequestModel):
    """Languages of the account's pictures and scans, the main one first; none: the deployment's."""

    languages: Annotated[list[Language], Field(max_length=5)]
    """Codes of Tesseract, such as `eng`, `deu`, `chi_sim`; an empty list restores the deployment's languages."""


class Languages(ResponseModel):
    """Languages in which text in pictures and scans is recognized."""

    languages: list[str]
    """Those in use, the main one first."""
    is_default: bool
    """Whether they are the deployment's, since the account has chosen none."""
    available: list[str]
    """Those that can be chosen."""
