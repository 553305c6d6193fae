"""Texts of notify in the languages of accounts, and its templates of e-mails in each."""

from functools import cache
from gettext import NullTranslations
from typing import Any

from jinja2 import Environment, pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from docstore_platform import languages
from docstore_platform.plain_page.translated import translated_pages


def translations(language: str) -> NullTranslations:
    """Return the texts of a language; in one without a catalogue they are English."""
    return languages.translations(__package__, language)


@cache
def templates(language: str) -> Environment:
    """Return the templates of e-mails; the filters that one more needs are the caller's."""
    environment = translated_pages(__package__, language).overlay()
    texts = translations(language)
    environment.filters = environment.filters | {
        "what": lambda item: texts.gettext("the folder") if item["kind"] == "folder" else texts.gettext("the file"),
        "strong": _strong,
        "link": lambda text, url: Markup('<a href="{}">{}</a>').format(url, text),
    }
    return environment


@pass_eval_context
def _strong(context: EvalContext, text: Any) -> Any:
    """Emphasize in HTML; a text stays as it is."""
    return Markup("<strong>{}</strong>").format(text) if context.autoescape else text
