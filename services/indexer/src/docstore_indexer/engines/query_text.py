"""Parser of search texts that accepts any input."""

import re
from dataclasses import dataclass

MAX_QUERY_CHARS = 1000
MAX_CLAUSES = 32
_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Clause:
    """Text that must occur: a phrase as it is, otherwise each word anywhere."""

    text: str
    phrase: bool


def clauses(text: str) -> list[Clause]:
    """Return the clauses of a query in order; an unpaired quote is a space."""
    text = text[:MAX_QUERY_CHARS]
    found: list[Clause] = []
    end = 0
    for quoted in _QUOTED.finditer(text):
        found += [Clause(word, phrase=False) for word in text[end : quoted.start()].split()]
        found.append(Clause(quoted[1], phrase=True))
        end = quoted.end()
    found += [Clause(word, phrase=False) for word in text[end:].replace('"', " ").split()]
    return found[:MAX_CLAUSES]
