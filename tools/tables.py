"""Tables of generated Markdown pages."""

import re
from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, with an empty line after it."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(text: str) -> str:
    """A text on one line, in which nothing is taken for the end of the cell, or for HTML."""
    return without_html(" ".join(text.split()).replace("|", "\\|"))


def without_html(text: str) -> str:
    """A text in which `<` begins no element; within code it does not anyway."""
    return "".join(each if each.startswith("`") else each.replace("<", "&lt;") for each in re.split("(`[^`]*`)", text))
