"""Pages without script in the language that the visitor prefers."""

from functools import cache

from jinja2 import Environment

from docstore_platform.languages import shown_day, shown_moment, shown_size, tag_of, translations
from docstore_platform.plain_page import plain_pages


@cache
def translated_pages(package: str, language: str, folder: str = "templates") -> Environment:
    """Return the templates of a package with the texts of its `locales`, for all callers: more filters need an overlay.

    `_()` and `trans` blocks take texts of templates only, since what they return is not escaped.
    """
    environment = plain_pages(package, folder)
    environment.add_extension("jinja2.ext.i18n")
    texts = translations(package, language)
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["language"] = tag_of(language)
    environment.filters |= {
        "size": lambda size: shown_size(size, language),
        "day": lambda moment: shown_day(moment, language),
        "moment": lambda moment: shown_moment(moment, language),
    }
    return environment


def language_headers(language: str) -> dict[str, str]:
    """Headers of a page in the visitor's language."""
    return {"content-language": tag_of(language), "vary": "accept-language"}
