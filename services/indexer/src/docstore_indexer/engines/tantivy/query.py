"""Builds Tantivy queries as objects: without a query language, no input is a syntax error."""

import re
from collections.abc import Iterable
from functools import partial
from html import escape

import tantivy
from tantivy import Occur, Query

from docstore_indexer.engines.engine import SearchQuery
from docstore_indexer.engines.languages import east_asian_runs
from docstore_indexer.engines.query_text import Clause, clauses
from docstore_indexer.engines.tantivy.schema import LAYOUTS, SCHEMA_VERSION, Layout
from docstore_indexer.engines.terms import (
    date_limits,
    filter_terms,
    name_spellings,
    normal,
    owner_term,
    prefix_of,
    text_clauses,
    text_fields,
    text_spellings,
    whole_name,
)

SNIPPET_CHARS = 200
_SCHEMA = LAYOUTS[SCHEMA_VERSION].schema
"""For fields that every layout has, in the same places."""
_NAME_BOOST = 2.0
_WHOLE_NAME_BOOST = 5.0


def build(query: SearchQuery, layout: Layout) -> Query:
    """Return the query; the reader's own term is always part of it."""
    parts = [_filter(_term(field, term)) for field, term in filter_terms(query)]
    if query.of_others:
        parts.append((Occur.MustNot, _term("readers", owner_term(query.reader))))
    if query.shared is not None:
        files = [Query.term_set_query(_SCHEMA, "file_id", sorted(query.shared))] if query.shared else []
        either = [(Occur.Should, each) for each in (_term("readers", owner_term(query.reader)), *files)]
        parts.append(_filter(Query.boolean_query(either)))
    parts += [_filter(_between(field, *limits)) for field, limits in date_limits(query).items()]
    if query.text.strip():
        parts += _by_name(query.text) if query.scope == "name" else _by_content(query.text, layout)
    return Query.boolean_query(parts)


def files_of(owner_id: str) -> Query:
    """Return the query for all files that an account owns."""
    return Query.boolean_query([_filter(_term("readers", owner_term(owner_id))), _filter(_term("kind", "file"))])


def files_among(file_ids: Iterable[str]) -> Query:
    """Return the query for files by id."""
    return Query.term_set_query(_SCHEMA, "file_id", sorted(file_ids))


def _filter(query: Query) -> tuple[Occur, Query]:
    """A clause that must match and does not affect the score."""
    return Occur.Must, Query.const_score_query(query, 0.0)


def _term(field: str, value: str) -> Query:
    return Query.term_query(_SCHEMA, field, value)


def _between(field: str, after: int | None, before: int | None) -> Query:
    return Query.range_query(
        _SCHEMA,
        field,
        tantivy.FieldType.Integer,
        lower_bound=None if after is None else after + 1,
        upper_bound=None if before is None else before - 1,
    )


def _by_name(text: str) -> list[tuple[Occur, Query]]:
    words = name_spellings(" ".join(clause.text for clause in clauses(text)))
    if not words:
        return [(Occur.Must, Query.empty_query())]
    whole = Query.const_score_query(_term("whole_name", whole_name(text)), _WHOLE_NAME_BOOST)
    found = [(Occur.Must, Query.const_score_query(_beginning(spellings), 1.0)) for spellings in words]
    nearer = [(Occur.Should, _term("name_words", word)) for spellings in words for word in sorted(spellings)]
    return [*found, *nearer, (Occur.Should, whole)]


def _beginning(spellings: set[str]) -> Query:
    terms = sorted({prefix_of(word) for word in spellings})
    return Query.boolean_query([(Occur.Should, _term("name_prefixes", term)) for term in terms])


def _by_content(text: str, layout: Layout) -> list[tuple[Occur, Query]]:
    found = [(Occur.Must, _anywhere(clause, layout)) for clause in text_clauses(text)]
    return [(occur, query) for occur, query in found if query is not None] or [(Occur.Must, Query.empty_query())]


def _anywhere(clause: Clause, layout: Layout) -> Query | None:
    """Return the query for a clause in any field; None if it has no word that is indexed."""
    either: list[tuple[Occur, Query]] = []
    for field in layout.texts:
        for spelling in text_spellings(clause, field):
            inside = _inside(spelling, field, layout)
            if inside is not None:
                boost = _NAME_BOOST if field.startswith("name") else 1.0
                either.append((Occur.Should, Query.boost_query(inside, boost)))
    return Query.boolean_query(either) if either else None


def _inside(text: str, field: str, layout: Layout) -> Query | None:
    """Return the query for adjacent words in a field."""
    tokens = layout.analyzer(field).pre_tokenize(text).tokens
    if len(tokens) < 2:
        return Query.term_query(layout.schema, field, tokens[0].text) if tokens else None
    words: list[str | tuple[int, str]] = [(token.position - tokens[0].position, token.text) for token in tokens]
    return Query.phrase_query(layout.schema, field, words)


class Snippets:
    """Extracts the best passage of a text, as safe HTML."""

    def __init__(self, searcher: tantivy.Searcher, query: Query, text: str, layout: Layout) -> None:
        self._create = partial(tantivy.SnippetGenerator.create, searcher, query, layout.schema)
        self._generators: dict[str, tantivy.SnippetGenerator] = {}
        self._fields = layout.texts.keys()
        self._runs = sorted(set(east_asian_runs(normal(text))), key=len, reverse=True)

    def of(self, text: str) -> str:
        """Return the passage of a `normal` text around the words, in <mark>; the start if there are none."""
        for run in self._runs:
            place = text.find(run)
            if place >= 0:
                return self._around(text, place)
        for field in text_fields(text):
            if field in self._fields and (passage := self._passage(text, field)):
                return passage
        return escape(" ".join(text[: SNIPPET_CHARS * 2].split())[:SNIPPET_CHARS])

    def _around(self, text: str, place: int) -> str:
        """Return the passage around an East Asian word: the engine would mark each of its characters anywhere."""
        start = max(0, place - SNIPPET_CHARS // 4)
        passage = escape(text[start : start + SNIPPET_CHARS])
        marked = re.sub("|".join(map(re.escape, self._runs)), r"<mark>\g<0></mark>", passage)
        return " ".join(marked.split())

    def _passage(self, text: str, field: str) -> str:
        """Return the best passage by the words of a field; empty if there are none."""
        holder = tantivy.Document()
        holder.add_text(field, text)
        if field not in self._generators:
            self._generators[field] = self._create(field)
            self._generators[field].set_max_num_chars(SNIPPET_CHARS)
        snippet = self._generators[field].snippet_from_doc(holder)
        passage = snippet.fragment().encode()
        if not snippet.highlighted():
            return ""
        pieces, end = [], 0
        for marked in snippet.highlighted():  # bytes of UTF-8
            pieces.append(escape(passage[end : marked.start].decode()))
            pieces.append(f"<mark>{escape(passage[marked.start : marked.end].decode())}</mark>")
            end = marked.end
        pieces.append(escape(passage[end:].decode()))
        return " ".join("".join(pieces).split())
