"""Catalogues of translated texts: nothing is left in English, and nothing gets lost in translation."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from catalogues import ROOT, catalogue_folders, extracted, stored

from docstore_platform.languages import LANGUAGES, SOURCE

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
JINJA = re.compile(r"{%-? trans.*?endtrans -?%}|{[{%#].*?[}%#]}", re.DOTALL)
WORD = re.compile(r"[A-Za-z]{2}")
SHOWN = {"alt", "aria-label", "placeholder", "title"}
SAME = {"DocStore", "Android", "Windows", "macOS", "Linux", "Firefox"}
"""Names, which no language translates."""
TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
FOLDERS = catalogue_folders()
CATALOGUES = [
    pytest.param(folder, language, id=f"{folder.parent.relative_to(ROOT)}-{language}")
    for folder in FOLDERS
    for language in TRANSLATED
]


def ids(messages: Catalog) -> set[object]:
    return {message.id for message in messages if message.id}


def texts(message: Message) -> list[str]:
    """The translation of a message, or those of its plural forms."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


@pytest.mark.parametrize(("folder", "language"), CATALOGUES)
def test_each_text_is_translated_and_no_other(folder: Path, language: str) -> None:
    """Else run `python tools/catalogues.py`, and translate what it adds."""
    catalogue = stored(folder, language)
    assert ids(catalogue) == ids(extracted(folder.parent))
    assert [message.id for message in catalogue if not all(texts(message))] == []


@pytest.mark.parametrize(("folder", "language"), CATALOGUES)
def test_a_translation_has_the_same_placeholders(folder: Path, language: str) -> None:
    """A missing one would lose a fact, an unknown one would fail the page or the mail."""
    for message in stored(folder, language):
        original = message.id[-1] if isinstance(message.id, tuple) else message.id
        if original:
            for text in texts(message):
                assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(original)), text


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.parent.relative_to(ROOT)))
def test_there_is_a_catalogue_for_each_language(folder: Path) -> None:
    """Those that accounts can choose."""
    assert sorted(po.stem for po in folder.glob("*.po")) == sorted(TRANSLATED)


class Literals(HTMLParser):
    """The texts of a page that are shown as they stand in its template."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_code = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._is_code = tag in ("script", "style")
        self.found += [value or "" for name, value in attributes if name in SHOWN]

    def handle_endtag(self, _: str) -> None:
        self._is_code = False

    def handle_data(self, data: str) -> None:
        if not self._is_code:
            self.found.append(data)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.parent.relative_to(ROOT)))
def test_no_text_stands_untranslated_in_a_template(folder: Path) -> None:
    """Between tags, or in what is read out or shown of them."""
    templates = [path for path in folder.parent.glob("**/templates/*") if path.suffix in (".html", ".txt")]
    assert templates
    for template in templates:
        literals = Literals()
        literals.feed(JINJA.sub(" ", template.read_text("utf-8")))
        texts_of_it = [text.strip() for text in literals.found if WORD.search(text)]
        assert set(texts_of_it) <= SAME, template.name
