"""Blocks between `generated: NAME` and `end of generated` in files that are kept by hand otherwise."""

import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent


def with_blocks(path: Path, bodies: Mapping[str, str]) -> str:
    """The file with these blocks in place of what it has, each indented as its first line is."""
    text = path.read_text("utf-8")
    for name, body in bodies.items():
        block = re.compile(
            rf"^( *)(\S+ generated: {name}\b[^\n]*\n).*?( *\S+ end of generated)", re.MULTILINE | re.DOTALL
        )
        text, found = block.subn(lambda at, body=body: at[1] + at[2] + indent(body, at[1]) + at[3], text)  # type: ignore[misc]
        if not found:
            raise ValueError(f"{path}: no block `generated: {name}`")
    return text
