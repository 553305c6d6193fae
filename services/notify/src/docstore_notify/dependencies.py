"""Dependencies of routes."""

from typing import Annotated

from fastapi import Depends

from docstore_platform.security.tokens import Principal, current_principal

Caller = Annotated[Principal, Depends(current_principal)]
