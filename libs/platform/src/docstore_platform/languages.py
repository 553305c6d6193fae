"""Languages of texts for people: gettext catalogues, the language that a visitor prefers, sizes and times in each."""

from datetime import UTC, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel import Locale
from babel.dates import format_date, format_datetime, get_datetime_format
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol
from babel.units import format_unit

SOURCE = "en"
"""Its texts are the ids of the others'."""
LANGUAGES = (SOURCE, "de", "es", "zh")
TAGS = {"zh": "zh-Hans"}
"""Tags of languages (BCP 47) that are not their own."""
_LOCALES = {"en": "en_GB", "zh": "zh_Hans"}
"""English as most countries write dates: with the day first, and 24 hours."""
UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
MAX_RANGES = 20
"""More in an Accept-Language header are ignored."""


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark a text that is translated where it is used."""
    return text


@cache
def translations(package: str, language: str) -> NullTranslations:
    """Return a package's texts in a language, of `locales/*.po`; in one without a catalogue they are English."""
    catalogue = files(package) / "locales" / f"{language}.po"
    if language == SOURCE or not catalogue.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with catalogue.open("rb") as po:
        write_mo(compiled, read_po(po, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def accepted_language(header: str) -> str:
    """Return the language that an Accept-Language header prefers of ours (RFC 9110, 12.5.4): `de-AT` gives `de`."""
    preferred, preference = SOURCE, 0.0
    for entry in header.split(",")[:MAX_RANGES]:
        tag, _, weight = entry.replace(" ", "").lower().partition(";q=")
        language = tag.split("-")[0]
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if language in LANGUAGES and preference < quality <= 1:
            preferred, preference = language, quality
    return preferred


def tag_of(language: str) -> str:
    """Return the language's tag, for `lang` and Content-Language."""
    return TAGS.get(language, language)


def shown_size(size: int, language: str = SOURCE) -> str:
    """Format bytes for people, in powers of 1024 as plans and the web page do: a plan's `5 GB` is `5 GB`.

    German `1,5 KB` is English `1.5 KB`.
    """
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    if not unit:
        return format_unit(size, "digital-byte", locale=_locale(language))
    number = f"{value:.{1 if value < 9.95 else 0}f}".removesuffix(".0")
    return f"{number.replace('.', get_decimal_symbol(_locale(language)))} {UNITS[unit]}"


def shown_day(moment: datetime, language: str = SOURCE) -> str:
    """Format the day of a moment in UTC: `5 March 2027`."""
    return format_date(moment.astimezone(UTC), "long", locale=_locale(language))


def shown_moment(moment: datetime | str, language: str = SOURCE) -> str:
    """Format a moment, or one in RFC 3339, to the minute in UTC, which is named: `5 March 2027, 14:30 UTC`."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    locale = _locale(language)
    date, time = locale.date_formats["long"].pattern, locale.time_formats["short"].pattern
    pattern = str(get_datetime_format("long", locale=locale)).replace("{1}", date).replace("{0}", f"{time} z")
    return format_datetime(moment, pattern, UTC, locale)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES.get(language, language) if language in LANGUAGES else _LOCALES[SOURCE])
