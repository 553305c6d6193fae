"""Builds Tantivy queries as objects: without a query language, no input is a syntax error."""

from html import escape

import tantivy
from tantivy import Occur, Query

from docstore_indexer.engines.engine import SearchQuery
from docstore_indexer.engines.query_text import clauses
from docstore_indexer.engines.tantivy.schema import SCHEMA, STEMMED
from docstore_indexer.engines.terms import (
    date_limits,
    filter_terms,
    name_words,
    normal,
    owner_term,
    prefix_of,
    whole_name,
)

SNIPPET_CHARS = 200
_NAME_BOOST = 2.0
_WHOLE_NAME_BOOST = 5.0


def build(query: SearchQuery) -> Query:
    """Return the query; the reader's own term is always part of it."""
    parts = [_filter(_term(field, term)) for field, term in filter_terms(query)]
    if query.of_others:
        parts.append((Occur.MustNot, _term("readers", owner_term(query.reader))))
    parts += [_filter(_between(field, *limits)) for field, limits in date_limits(query).items()]
    if query.text.strip():
        parts += _by_name(query.text) if query.scope == "name" else _by_content(query.text)
    return Query.boolean_query(parts)


def _filter(query: Query) -> tuple[Occur, Query]:
    """A clause that must match and does not affect the score."""
    return Occur.Must, Query.const_score_query(query, 0.0)


def _term(field: str, value: str) -> Query:
    return Query.term_query(SCHEMA, field, value)


def _between(field: str, after: int | None, before: int | None) -> Query:
    return Query.range_query(
        SCHEMA,
        field,
        tantivy.FieldType.Integer,
        lower_bound=None if after is None else after + 1,
        upper_bound=None if before is None else before - 1,
    )


def _by_name(text: str) -> list[tuple[Occur, Query]]:
    words = name_words(" ".join(clause.text for clause in clauses(text)))
    if not words:
        return [(Occur.Must, Query.empty_query())]
    whole = Query.const_score_query(_term("whole_name", whole_name(text)), _WHOLE_NAME_BOOST)
    found = [(Occur.Must, Query.const_score_query(_term("name_prefixes", prefix_of(word)), 1.0)) for word in words]
    nearer = [(Occur.Should, _term("name_words", word)) for word in words]
    return [*found, *nearer, (Occur.Should, whole)]


def _by_content(text: str) -> list[tuple[Occur, Query]]:
    found = []
    for clause in clauses(text):
        tokens = STEMMED.pre_tokenize(normal(clause.text)).tokens
        words: list[str | tuple[int, str]] = [(token.position - tokens[0].position, token.text) for token in tokens]
        if clause.phrase and len(words) > 1:
            found.append(_anywhere([Query.phrase_query(SCHEMA, field, words) for field in ("text", "name")]))
        else:
            found += [_anywhere([_term(field, token.text) for field in ("text", "name")]) for token in tokens]
    return found or [(Occur.Must, Query.empty_query())]


def _anywhere(in_text_and_name: list[Query]) -> tuple[Occur, Query]:
    in_text, in_name = in_text_and_name
    either = [(Occur.Should, in_text), (Occur.Should, Query.boost_query(in_name, _NAME_BOOST))]
    return Occur.Must, Query.boolean_query(either)


class Snippets:
    """Extracts the best passage of a text, as safe HTML."""

    def __init__(self, searcher: tantivy.Searcher, query: Query) -> None:
        self._generator = tantivy.SnippetGenerator.create(searcher, query, SCHEMA, "text")
        self._generator.set_max_num_chars(SNIPPET_CHARS)

    def of(self, text: str) -> str:
        """Return the passage of a `normal` text around the words, in <mark>; the start if there are none."""
        holder = tantivy.Document()
        holder.add_text("text", text)
        snippet = self._generator.snippet_from_doc(holder)
        passage = snippet.fragment().encode()
        if not passage:
            return escape(" ".join(text[: SNIPPET_CHARS * 2].split())[:SNIPPET_CHARS])
        pieces, end = [], 0
        for marked in snippet.highlighted():  # bytes of UTF-8
            pieces.append(escape(passage[end : marked.start].decode()))
            pieces.append(f"<mark>{escape(passage[marked.start : marked.end].decode())}</mark>")
            end = marked.end
        pieces.append(escape(passage[end:].decode()))
        return " ".join("".join(pieces).split())
