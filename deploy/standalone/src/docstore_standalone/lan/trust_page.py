"""The page that offers the root of the local authority, as files that the proxy serves."""

from pathlib import Path

from docstore_platform.plain_page import plain_pages
from docstore_standalone.lan.authority import Authority
from docstore_standalone.lan.proxy_config import ROOT_FILE
from docstore_standalone.state import write_private


def write_trust_page(folder: Path, authority: Authority, home: str) -> None:
    """Write the page and the root to `folder`. `home`: the address to go to afterwards."""
    page = plain_pages("docstore_standalone.lan").get_template("trust.html")
    text = page.render(title="Trust this DocStore", fingerprint=authority.fingerprint, home=home, root=ROOT_FILE)
    write_private(folder / "index.html", text)
    write_private(folder / ROOT_FILE, authority.certificate_file.read_text("ascii"))
