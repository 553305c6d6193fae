"""`docstore search`."""

import html
import re
from typing import Annotated

import typer

from docstore_cli.options import AsJson, print_json, shown
from docstore_cli.session import as_person

Words = Annotated[
    list[str], typer.Argument(metavar="WORDS...", help='Words that must all occur; "a phrase" in quotes.')
]
InContent = Annotated[bool, typer.Option("--content", help="Search the text of files (premium plan).")]
Tag = Annotated[str | None, typer.Option("--tag")]
Type = Annotated[str | None, typer.Option("--type", help="Such as application/pdf, image or pdf.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100)]


def search(
    words: Words,
    content: InContent = False,
    tag: Tag = None,
    type_: Type = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find files and folders by name, or files by their text."""
    query, within = " ".join(words), "content" if content else "name"
    hits = as_person(lambda docstore: docstore.search(query, within=within, tag=tag, content_type=type_, limit=limit))
    if as_json:
        print_json(hits)
        return
    for hit in hits.items:
        typer.echo(shown(hit.file.path))
        if hit.snippet:
            typer.echo("    " + shown(" ".join(html.unescape(re.sub(r"</?mark>", "", hit.snippet)).split())))
    if hits.total > len(hits.items):
        typer.echo(f"{hits.total - len(hits.items)} more: use --limit", err=True)
