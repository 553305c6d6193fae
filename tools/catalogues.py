"""Brings the catalogues of translated texts (`locales/*.po` of packages) up to date: new texts empty, unused ones gone.

python tools/catalogues.py
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
METHODS = [("**/templates/**.js", "javascript"), ("**/templates/**", "jinja2"), ("**.py", "python")]
OPTIONS = {"**/templates/**": {"newstyle_gettext": "true", "trimmed": "true"}}
LINE_CHARS = 120


def catalogue_folders() -> list[Path]:
    """The `locales` of all packages; the texts are those of the folder around each."""
    return sorted(ROOT.glob("*/*/src/**/locales"))


def extracted(package: Path) -> Catalog:
    """The texts of a package's Python, templates and scripts: of `_`, `N_`, `gettext` and `trans` blocks."""
    found = Catalog()
    for _, _, text, _, _ in extract_from_dir(package, METHODS, OPTIONS):
        found.add(text)
    return found


def stored(locales: Path, language: str) -> Catalog:
    with (locales / f"{language}.po").open("rb") as po:
        return read_po(po, locale=language)


def updated(po: Path, texts: Catalog) -> bytes:
    """The catalogue with just these texts, and its own header."""
    catalogue = stored(po.parent, po.stem)
    catalogue.update(texts, no_fuzzy_matching=True)
    header, out = po.read_bytes().partition(b"\n\n")[0], BytesIO()
    write_po(out, catalogue, width=LINE_CHARS, omit_header=True, no_location=True, ignore_obsolete=True)
    return header + b"\n\n" + out.getvalue().strip() + b"\n"


def main() -> None:
    for locales in catalogue_folders():
        texts = extracted(locales.parent)
        for po in sorted(locales.glob("*.po")):
            po.write_bytes(updated(po, texts))


if __name__ == "__main__":
    main()
