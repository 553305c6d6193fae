"""The page that offers the root of the local authority, as files that the proxy serves: one in each language."""

from pathlib import Path

from docstore_platform.languages import LANGUAGES, N_, translations
from docstore_platform.plain_page.translated import translated_pages
from docstore_standalone.lan.authority import Authority
from docstore_standalone.lan.proxy_config import ROOT_FILE, page_file
from docstore_standalone.state import write_private

PACKAGE = "docstore_standalone.lan"
TITLE = N_("Trust this DocStore")


def write_trust_page(folder: Path, authority: Authority, home: str) -> None:
    """Write the pages and the root to `folder`. `home`: the address to go to afterwards."""
    for language in LANGUAGES:
        page = translated_pages(PACKAGE, language).get_template("trust.html")
        title = translations(PACKAGE, language).gettext(TITLE)
        text = page.render(title=title, fingerprint=authority.fingerprint, home=home, root=ROOT_FILE)
        write_private(folder / page_file(language), text)
    write_private(folder / ROOT_FILE, authority.certificate_file.read_text("ascii"))
