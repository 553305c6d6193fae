"""Synthetic files for a search index, and searches that find them. Each is a function of its number.

A tenth of all files belongs to one large account, the others to accounts of 900 files. A twentieth is shared with
another account. A third has text: 200 words on average, 600 at most, of a vocabulary of 50,000 with Zipf's frequencies.
One text in eight is German, which is indexed as English and as German.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Literal

from docstore_indexer.engines.engine import IndexedDocument, SearchQuery

Reader = Literal["usual", "large"]
LARGE = "large account"
FILES_OF_ACCOUNT = 1_000
"""Files in a row of which an account has all but those of the large one."""
_EVERY_LARGE = 10
_WORDS, _WORDS_IN_NAMES = 50_000, 5_000
_MOST_WORDS = 600
_SHARED, _SHARED_WITH_LARGE = 0.05, 0.01
_TAGS = [f"project {number}" for number in range(20)]
_BEGIN = datetime(2021, 1, 1, tzinfo=UTC)
_FIVE_YEARS = 5 * 365 * 86_400
_ENGLISH = "the of and to a in is that it for was on are with as be by this have from or no not do which you"
_GERMAN = "der die und das ist nicht ein eine zu den von mit dem des auf für sich im auch wird bei sind oder"
_TYPES: Mapping[str, tuple[str, int]] = {
    "pdf": ("application/pdf", 20),
    "txt": ("text/plain", 13),
    "jpg": ("image/jpeg", 45),
    "mp4": ("video/mp4", 12),
    "zip": ("application/zip", 10),
}
"""Media type and percentage of files by the ends of their names."""
_WITH_TEXT = ("pdf", "txt")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words, the most frequent first, and the sums of their frequencies up to each."""

    words: Sequence[str]
    sums: Sequence[float]

    def sample(self, random: Random, count: int) -> list[str]:
        return random.choices(self.words, cum_weights=self.sums, k=count)


@cache
def _vocabulary(frequent: str, size: int) -> Vocabulary:
    """By the law of Zipf and Mandelbrot: the word of rank n occurs 1 / (n + 2.7) times as often as all."""
    words = [*frequent.split(), *_made_up()][:size]
    return Vocabulary(words, list(accumulate(1 / (rank + 2.7) for rank in range(1, 1 + size))))


@cache
def _made_up() -> list[str]:
    """Words of two to four syllables."""
    random = Random(0)
    syllables = [a + b + c for a in "bdfgklmnprstvw" for b in "aeiou" for c in ("", "", "n", "r", "s")]
    found: dict[str, None] = {}
    while len(found) < _WORDS:
        found["".join(random.choices(syllables, k=random.choice((2, 3, 3, 4))))] = None
    return list(found)


def owner_of(number: int) -> str:
    return LARGE if number % _EVERY_LARGE == 0 else f"account {number // FILES_OF_ACCOUNT}"


def document_of(number: int) -> IndexedDocument:
    """Return the file of this number, as the indexer gives it to its engine."""
    random = Random(number)
    owner = owner_of(number)
    extension = random.choices(list(_TYPES), [percent for _, percent in _TYPES.values()])[0]
    modified = _BEGIN + timedelta(seconds=random.randrange(_FIVE_YEARS))
    name = " ".join(_vocabulary("", _WORDS_IN_NAMES).sample(random, random.randint(1, 3)))
    return IndexedDocument(
        file_id=f"{random.getrandbits(128):032x}",
        owner_id=owner,
        readers=(owner, *_shared_with(number, random)),
        name=f"{name.capitalize()} {modified:%Y-%m}-{random.randrange(1000)}.{extension}",
        tags=(random.choice(_TAGS),) if random.random() < 0.1 else (),
        content_type=_TYPES[extension][0],
        size=random.randrange(1, 10_000_000),
        version=1,
        created_at=modified,
        modified_at=modified,
        text=_text(random) if extension in _WITH_TEXT else None,
        change=1,
    )


def _shared_with(number: int, random: Random) -> tuple[str, ...]:
    drawn = random.random()
    if drawn >= _SHARED:
        return ()
    return (LARGE,) if drawn < _SHARED_WITH_LARGE else (f"account {number // FILES_OF_ACCOUNT + 1}",)


def _text(random: Random) -> str:
    words = _vocabulary(_GERMAN if random.random() < 1 / 8 else _ENGLISH, _WORDS)
    return " ".join(words.sample(random, min(int(random.lognormvariate(5, 0.8)) + 2, _MOST_WORDS)))


def searches(kind: str, reader: Reader, files: int, count: int) -> Iterator[SearchQuery]:
    """Yield searches of a kind that find something: by an account of this kind, among so many files in the index."""
    random = Random(f"{kind} {reader} {files}")
    while count:
        number = random.randrange(files)
        if (owner_of(number) == LARGE) != (reader == "large"):
            continue
        document = document_of(number)
        if document.text is not None:
            count -= 1
            yield _KINDS[kind](document, document.text.split(), random)


def _by_beginning(document: IndexedDocument, words: list[str], random: Random) -> SearchQuery:
    return SearchQuery(document.owner_id, document.name.split()[0][: random.randint(2, 5)])


def _by_words_of_name(document: IndexedDocument, words: list[str], random: Random) -> SearchQuery:
    return SearchQuery(document.owner_id, " ".join(document.name.split()[:2]))


def _by_word(document: IndexedDocument, words: list[str], random: Random) -> SearchQuery:
    return SearchQuery(document.owner_id, random.choice(words), "content")


def _by_three_words(document: IndexedDocument, words: list[str], random: Random) -> SearchQuery:
    return SearchQuery(document.owner_id, " ".join(random.choices(words, k=3)), "content")


def _by_frequent_word(document: IndexedDocument, words: list[str], random: Random) -> SearchQuery:
    return SearchQuery(document.owner_id, "the", "content")


def _by_phrase(document: IndexedDocument, words: list[str], random: Random) -> SearchQuery:
    start = random.randrange(len(words) - 1)
    return SearchQuery(document.owner_id, '"{} {}"'.format(*words[start : start + 2]), "content")


def _by_filters(document: IndexedDocument, words: list[str], random: Random) -> SearchQuery:
    after = document.modified_at - timedelta(days=100)
    return SearchQuery(document.owner_id, type="pdf", modified_after=after)


_KINDS = {
    "the beginning of a name": _by_beginning,
    "words of a name": _by_words_of_name,
    "a word of the text": _by_word,
    "three words of the text": _by_three_words,
    "the most frequent word": _by_frequent_word,
    "a phrase": _by_phrase,
    "type and date": _by_filters,
}
KINDS: Sequence[str] = tuple(_KINDS)
"""What searches are for."""
