"""What people type into a search box, taken apart so that nothing in it is an error."""

import re
from dataclasses import dataclass

MAX_QUERY_CHARS = 1000
MAX_CLAUSES = 32
_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Clause:
    """Text that must occur: in quotes as it stands, else each word of it somewhere."""

    text: str
    phrase: bool


def clauses(text: str) -> list[Clause]:
    """The parts of a query in their order; a quote without its partner is a space."""
    text = text[:MAX_QUERY_CHARS]
    found: list[Clause] = []
    end = 0
    for quoted in _QUOTED.finditer(text):
        found += [Clause(word, phrase=False) for word in text[end : quoted.start()].split()]
        found.append(Clause(quoted[1], phrase=True))
        end = quoted.end()
    found += [Clause(word, phrase=False) for word in text[end:].replace('"', " ").split()]
    return found[:MAX_CLAUSES]
