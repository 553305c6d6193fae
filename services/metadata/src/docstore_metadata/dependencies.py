"""What routes are given: the caller, and the use cases of this app."""

from typing import Annotated

from fastapi import Depends, Request

from docstore_metadata.use_cases import UseCases
from docstore_platform.tokens import Principal, current_principal


def use_cases(request: Request) -> UseCases:
    cases: UseCases = request.app.state.use_cases
    return cases


Caller = Annotated[Principal, Depends(current_principal)]
Cases = Annotated[UseCases, Depends(use_cases)]
