"""Text of HTML pages, without markup. (Kreuzberg returns Markdown for HTML, and drops cells of malformed tables.)"""

import re
from html.parser import HTMLParser

from docstore_indexer.extraction.plain_text import decode
from docstore_indexer.extraction.rules import ExtractedText

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_SILENT = frozenset({"script", "style", "template", "noscript"})
_INLINE = frozenset({"a", "abbr", "b", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark", "q"})
_INLINE |= {"s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}


def html_text(data: bytes) -> ExtractedText:
    """Decode by the page's declared character set, with a line break where a block begins or ends."""
    reader = _Reader()
    reader.feed(_decode(data))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.words).split("\n"))
    return ExtractedText("\n".join(line for line in lines if line))


def _decode(data: bytes) -> str:
    declared = _CHARSET.search(data[:2048])
    if declared:
        try:
            return data.decode(declared[1].decode(), "replace")
        except LookupError:
            pass
    return decode(data, truncated=False).text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        self._break(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data.replace("\n", " "))

    def _break(self, tag: str) -> None:
        if tag not in _INLINE:
            self.words.append("\n")
