"""The `Lock-Token` header: locks that the caller holds, as WebDAV's LOCK returned them."""

import re
from typing import Annotated

from fastapi import Header

from docstore_platform.errors import invalid

MAX_TOKENS = 100
TOKEN = r"<[!-+\--;=?-~]{1,200}>"
"""Printable, without blanks, commas and brackets."""
_TOKENS = re.compile(rf" *({TOKEN}) *")

LockTokens = Annotated[
    str | None,
    Header(
        alias="lock-token",
        description="Tokens of the locks that the caller holds, as `<TOKEN>, <TOKEN>`: what is locked is refused "
        "with 423 `locked` otherwise.",
        json_schema_extra={"pattern": f"^( *{TOKEN} *(, *{TOKEN} *){{0,{MAX_TOKENS - 1}}})?$"},
    ),
]


def lock_tokens_of(header: str | None) -> tuple[str, ...]:
    """The tokens in a Lock-Token header; Invalid `invalid_lock_token` if it is malformed."""
    if not header:
        return ()
    found = [_TOKENS.fullmatch(each) for each in header.split(",")]
    tokens = tuple(match[1][1:-1] for match in found if match is not None)
    if len(tokens) < len(found) or len(tokens) > MAX_TOKENS:
        raise invalid(f"Lock-Token has up to {MAX_TOKENS} tokens, each in <>, by commas.", "invalid_lock_token")
    return tokens
