"""Office documents on the page of a public link: rendered in a frame there, where the server has no picture of them.

The frame fetches the content as a download does. So a document that is shown counts as one download, and a visitor
who may only see watermarked pictures is offered none.
"""

from pathlib import PurePosixPath

from docstore_metadata.tree.rules import Node
from docstore_platform.languages import N_

FRAME = "/frames/link.html"
"""Built with the web page (`link-frame/link.ts`); what it shows is in the fragment, which is sent to no server."""
FRAMED = ("doc", "docx", "odp", "ods", "odt", "ppt", "pptx", "rtf", "xls", "xlsx")
"""Formats that the frame renders, as in `lib/office.ts`."""
MAX_BYTES = 20 << 20
"""Larger ones would be refused by the frame, and already be counted."""
TOO_LARGE = N_("This document is too large to be shown here. Download it to open it.")


def frame_of(node: Node, download: str) -> str:
    """URL of the frame that shows this file; empty for one that it can't show. `download` is the URL of its content."""
    ending = _ending(node)
    return f"{FRAME}#{ending}:{download}" if ending in FRAMED and 0 < node.size <= MAX_BYTES else ""


def why_not(node: Node) -> str:
    """Why a document without a picture is not shown; empty for other files."""
    return TOO_LARGE if _ending(node) in FRAMED and node.size > MAX_BYTES else ""


def _ending(node: Node) -> str:
    return PurePosixPath(node.name).suffix.lower().removeprefix(".")
