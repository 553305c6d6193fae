"""Languages of texts: how their words are reduced and where words begin. Standard library only.

Every text is indexed as English. One in another language is indexed as that, too, and one with East Asian characters by
its characters: those scripts have no spaces, or endings that are written without one.
"""

import re
from collections import Counter

STEMMED = ("german", "spanish", "french", "italian", "portuguese", "dutch")
"""Languages besides English whose endings are removed; both engines have Snowball's rules for them."""
EAST_ASIAN = "cjk"
VARIANTS = (*STEMMED, EAST_ASIAN)
"""Ways to index a text besides the usual one; the suffix of a field's name."""
_SAMPLE_CHARS = 2_000
_FEWEST = 2
_CLEARLY = 1.2
_RANGES = (
    (0x1100, 0x11FF), (0x3041, 0x3096), (0x3099, 0x309A), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF),
    (0x3131, 0x318E), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF),
    (0x20000, 0x2FA1F),
)  # fmt: skip
EAST_ASIAN_CLASS = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in _RANGES)
"""Members of a character class in the regular expressions of Rust and Java."""
_EAST_ASIAN_RUN = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _RANGES)}]+")
_WORD = re.compile(r"[^\W\d_]+")
# Frequent words that carry no meaning: a text of some length has them in its own language only.
_FREQUENT = {
    language: frozenset(words.split())
    for language, words in {
        "english": "the of and to a in is that it for was on are with as be by this have from or no not do which you",
        "german": "der die und das ist nicht ein eine zu den von mit dem des auf für sich im auch wird bei sind oder",
        "spanish": "el la de que y en los se del las un por con una para es al como su más pero sus le ya o este",
        "french": "le la les de des et à est en un une du que pour qui dans ce pas sur au par avec il sont ou vous",
        "italian": "il la di e che è un per non una in sono con del della i le si da lo gli nel alla dei anche come",
        "portuguese": "o a de que e do da em um para com não uma os no se na por mais as dos como mas ao das à",
        "dutch": "de het een en van is dat op te in voor met zijn niet aan er ook als bij maar om door naar uit worden",
    }.items()
}


def variants_of(text: str) -> list[str]:
    """Return how a text is indexed besides as English."""
    language = _language_of(text)
    found = [language] if language in STEMMED else []
    return [*found, EAST_ASIAN] if has_east_asian(text) else found


def _language_of(text: str) -> str:
    """Return the language that clearly has the most frequent words of the text's beginning; English if none has."""
    words = Counter(_WORD.findall(text[:_SAMPLE_CHARS].lower()))
    seen = Counter({language: sum(words[word] for word in known) for language, known in _FREQUENT.items()})
    (first, most), (_, next_most) = seen.most_common(2)
    return first if most >= max(_FEWEST, _CLEARLY * next_most) else "english"


def has_east_asian(text: str) -> bool:
    return not text.isascii() and _EAST_ASIAN_RUN.search(text) is not None


def east_asian_runs(text: str) -> list[str]:
    return _EAST_ASIAN_RUN.findall(text)


def inner_beginnings(word: str) -> list[str]:
    """Return the rests of a word from each East Asian character on, and behind them: words may begin there."""
    starts = {place for run in _EAST_ASIAN_RUN.finditer(word) for place in range(run.start(), run.end() + 1)}
    return [word[place:] for place in sorted(starts - {0, len(word)})]


_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_DIGRAPH = re.compile(r"(?<![aeiouq])([aou])e")


def with_digraphs(text: str) -> str:
    """Return German text as written without umlauts: Grösse, Groesse."""
    return text.translate(_DIGRAPHS)


def without_digraphs(word: str) -> str:
    """Return the word without accents that one written with digraphs stands for: Groesse, Grosse."""
    return _DIGRAPH.sub(r"\1", word.lower())
